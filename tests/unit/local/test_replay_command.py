from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from autoretrain.errors import DataError, Invalid
from autoretrain_local.replay.command import replay
from tests.unit.local.replay_logs import Row, changed, market, written

ROWS = market(260, flip_at=180)
BOTH = sorted([*ROWS, *market(130, seed=2, strategy="trend")], key=lambda row: row["decided_at"])


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(replay, list(map(str, arguments)), catch_exceptions=False)


def replayed(rows: Sequence[Row], folder: Path, *options: str, name: str = "log.csv") -> Any:
    """The JSON, the predictions by trade id, and what was printed."""
    file = written(rows, folder / name)
    out, told = folder / "out.json", folder / "told.csv"
    done = run(file, "--json", out, "--predictions", told, *options)
    assert done.exit_code == 0, done.output
    with told.open(newline="") as opened:
        predictions = {row["trade_id"]: row for row in csv.DictReader(opened)}
    return json.loads(out.read_text()), predictions, done


def without_time(told: Any) -> Any:
    """What must be the same at every run."""
    if isinstance(told, dict):
        return {
            name: without_time(value)
            for name, value in told.items()
            if name not in ("cpu_seconds", "seconds", "file")
        }
    return [without_time(one) for one in told] if isinstance(told, list) else told


def test_every_trade_of_the_file_has_a_prediction(tmp_path: Path) -> None:
    _, predictions, _ = replayed(ROWS, tmp_path, name="log.csv.gz")

    assert list(predictions["swing-00000"]) == ["trade_id", "decided_at", "p", "model_version"]
    assert set(predictions) == {row["trade_id"] for row in ROWS}
    assert any(not row["closed_at"] for row in ROWS)
    for row in ROWS:
        told = predictions[row["trade_id"]]
        assert told["decided_at"] == row["decided_at"]
        assert 0 < float(told["p"]) < 1
    assert predictions["swing-00000"]["model_version"] == ""
    assert re.fullmatch(r"v\d+", predictions["swing-00259"]["model_version"])


def test_figures_add_up(tmp_path: Path) -> None:
    told, predictions, _ = replayed(ROWS, tmp_path)

    assert told["file"] == "log.csv"
    assert told["settings"]["activation_mode"] == "if_better"
    (strategy,) = told["strategies"]
    assert (strategy["strategy"], strategy["trades"]) == ("swing", len(ROWS))
    assert strategy["closed"] == sum(bool(row["closed_at"]) for row in ROWS)
    for variant in ("policy", "never_retrain", "always_retrain"):
        figures = strategy[variant]
        assert sum(figures["trainings_by_condition"].values()) == figures["trainings"]
        assert sum(figures["trainings_by_verdict"].values()) == figures["trainings"]
        assert figures["activations"] <= figures["trainings"]
        assert 0 < figures["roc_auc"] < 1
        assert figures["cpu_seconds"] > 0
    decisions = strategy["decisions"]
    assert len(decisions) == strategy["policy"]["trainings"]
    assert decisions[0]["condition"] == "initial_training"
    assert decisions[0]["reason"] == "initial training: 100+ trades, no model yet"
    assert decisions[0]["line"].startswith("log-loss ")
    activated = {one["model_version"] for one in decisions if one["activated"]}
    served = {row["model_version"] for row in predictions.values()} - {""}
    assert served <= activated
    outcomes = {row["trade_id"]: row["win"] for row in ROWS}
    last = list(predictions)[-strategy["policy"]["scored"] - 5 :]
    right = [
        (float(predictions[one]["p"]) >= 0.5) == (outcomes[one] == "1")
        for one in last
        if outcomes[one]
    ]
    assert sum(right) / len(right) == pytest.approx(strategy["policy"]["accuracy"], abs=0.03)


def test_same_file_is_played_the_same_again(tmp_path: Path) -> None:
    one, other = (replayed(ROWS, tmp_path) for _ in range(2))

    assert without_time(one[0]) == without_time(other[0])
    assert one[1] == other[1]


def test_each_strategy_of_a_file_is_played_on_its_own(tmp_path: Path) -> None:
    both, predictions, done = replayed(BOTH, tmp_path)
    alone, alone_predictions, _ = replayed(ROWS, tmp_path)

    assert [one["strategy"] for one in both["strategies"]] == ["swing", "trend"]
    assert without_time(both["strategies"][0]) == without_time(alone["strategies"][0])
    assert {**predictions, **alone_predictions} == predictions
    assert set(predictions) == {row["trade_id"] for row in BOTH}
    assert "swing: 260 trades" in done.stdout
    assert "trend: 130 trades" in done.stdout


def test_one_strategy_is_played_when_it_is_named(tmp_path: Path) -> None:
    told, predictions, _ = replayed(BOTH, tmp_path, "--strategy", "trend")

    assert [one["strategy"] for one in told["strategies"]] == ["trend"]
    assert len(predictions) == 130
    with pytest.raises(DataError, match="no strategy 'other'; it has: swing, trend"):
        run(tmp_path / "log.csv", "--strategy", "other")


def test_file_without_a_strategy_column_is_one_strategy(tmp_path: Path) -> None:
    rows = [{name: cell for name, cell in row.items() if name != "strategy"} for row in ROWS]

    told, predictions, done = replayed(rows, tmp_path)

    assert [one["strategy"] for one in told["strategies"]] == [""]
    assert len(predictions) == len(ROWS)
    assert "all trades: 260 trades" in done.stdout


def test_policy_of_a_file_is_obeyed(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('new_trades_threshold = 20\nactivation_mode = "always"\n')

    told, _, _ = replayed(ROWS, tmp_path, "--policy", str(tmp_path / "policy.toml"))

    (strategy,) = told["strategies"]
    assert told["settings"]["new_trades_threshold"] == 20
    assert strategy["policy"]["trainings_by_condition"]["new_trades"] > 3
    assert strategy["policy"]["activations"] == strategy["policy"]["trainings"]


def test_bad_policy_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"max_age_days": "weekly"}')

    with pytest.raises(Invalid, match=r"^max_age_days: must be a number above 0, at most 3650"):
        run(written(ROWS, tmp_path / "log.csv"), "--policy", policy)


def test_weight_for_a_feature_that_the_log_lacks_is_refused(tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"feature_weights": {"rsi": 2, "rsj": 1}}')

    with pytest.raises(DataError, match=r"rsj.*Valid names: noise, rsi, side, symbol"):
        run(written(ROWS, tmp_path / "log.csv"), "--policy", policy)


def test_log_tells_how_far_each_variant_is(tmp_path: Path) -> None:
    _, _, done = replayed(ROWS, tmp_path)

    assert "swing, policy: 10 %" in done.stderr
    assert "swing, always retrain: 100 %" in done.stderr
    assert "%" not in done.stdout.splitlines()[0]


def test_table_shows_the_variants_side_by_side(tmp_path: Path) -> None:
    _, _, done = replayed(ROWS, tmp_path)

    lines = done.stdout.splitlines()
    assert lines[1].split() == ["policy", "never", "retrain", "always", "retrain"]
    names = [line[:26].strip() for line in lines]
    for name in ("trainings", "activations", "accuracy", "ROC-AUC", "Brier", "log-loss"):
        assert name in names
    assert "served by a model" in names


def test_row_that_cannot_be_read_is_left_out_and_told(tmp_path: Path) -> None:
    rows = [changed(row, decided_at="soon") if n == 7 else row for n, row in enumerate(ROWS)]

    _, predictions, done = replayed(rows, tmp_path)

    assert len(predictions) == len(ROWS) - 1
    assert "left out: line 9: decided_at 'soon' is not an ISO 8601 time" in done.stderr


def test_row_that_makes_no_sense_still_has_a_prediction(tmp_path: Path) -> None:
    senseless = {
        3: {"closed_at": "2023-01-01T00:00:00Z"},
        4: {"pnl_pct": ""},
        5: {"pnl_pct": "inf"},
        6: {"closed_at": "", "pnl_pct": "1.5"},
        8: {"win": "0", "pnl_pct": "1.5"},
        9: {"symbol": "", "side": ""},
        10: {"closed_at": "2999-01-01T00:00:00Z"},
    }
    rows = [changed(row, **senseless.get(n, {})) for n, row in enumerate(ROWS)]

    _, predictions, _ = replayed(rows, tmp_path)

    assert set(predictions) == {row["trade_id"] for row in ROWS}


def test_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("trade_id,symbol,side,decided_at,closed_at,pnl_pct\n")

    with pytest.raises(DataError, match="no trade that can be read"):
        run(tmp_path / "log.csv")


def test_page_stands_alone_and_is_drawn(tmp_path: Path) -> None:
    rows = [changed(row, strategy="<b>&swing") for row in market(500)]
    page = tmp_path / "page.html"

    assert run(written(rows, tmp_path / "log.csv"), "--plot", page).exit_code == 0

    html = page.read_text(encoding="utf-8")
    assert not re.search(r"https?:|src=|href=|url\(|@import|<script", html)
    assert "&lt;b&gt;&amp;swing" in html
    assert "<b>" not in html
    drawings = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", html)]
    assert len(drawings) == 3
    lines = [svg.findall("path[@d]") for svg in drawings]
    drawn = [[one for one in of if one.get("class", "").startswith("line")] for of in lines]
    assert [len(of) for of in drawn] == [2, 3, 2]
    assert any(one.get("class") == "mark" for one in lines[1])
    assert drawings[2].findall("circle")
    assert "nan" not in "".join(one.get("d", "") for of in lines for one in of)


def test_page_of_a_log_without_a_scored_trade_says_so(tmp_path: Path) -> None:
    page = tmp_path / "page.html"

    done = run(written(market(60), tmp_path / "log.csv"), "--plot", page)

    assert "there is nothing to draw" in page.read_text(encoding="utf-8")
    assert done.exit_code == 0
    why = "no closed trade was decided after the first 100 had closed"
    assert done.stdout.splitlines() == [
        f"swing: 60 trades, 59 closed: nothing is scored, because {why}",
        f"{page} holds the drawings",
    ]


def test_trainings_are_told_where_no_trade_is_scored(tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"min_trades": 60}')

    done = run(written(market(90), tmp_path / "log.csv"), "--policy", policy)

    assert "nothing is scored" in done.stdout
    assert re.search(r"^  initial_training +1 +1 +1$", done.stdout, re.MULTILINE)
    assert "–" not in done.stdout


def test_files_that_were_written_are_named(tmp_path: Path) -> None:
    _, _, done = replayed(ROWS, tmp_path)

    assert done.stdout.splitlines()[-2:] == [
        f"{tmp_path / 'told.csv'} holds the predictions",
        f"{tmp_path / 'out.json'} holds the figures",
    ]
