from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from autoretrain.errors import Invalid
from autoretrain_local.replay.log import NEVER
from autoretrain_local.replay.play import play
from autoretrain_local.replay.scoring import MIN_QUANTILE_TRADES, QUANTILE_TRADES, score
from autoretrain_local.replay.settings import settings_of
from bench import learning
from bench.baselines import BASELINES
from bench.forecasting import Ints, Rows
from bench.learning import baseline, compare, policies_of
from bench.logs import cases
from bench.product import ALWAYS, Product
from tests.unit.local.replay_logs import market, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two logs, and the truth of the second."""
    written(market(500, seed=1), tmp_path / "trades_plain.csv")
    planted = market(900, seed=2, flip_at=450)
    written(planted, tmp_path / "trades_turned.csv.gz")
    with gzip.open(tmp_path / "truth_turned.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["trade_id", "true_p", "regime"])
        for number, row in enumerate(planted):
            lean = float(row["f_rsi"] or 0) * (1 if number < 450 else -1)
            writer.writerow([row["trade_id"], 1 / (1 + np.exp(-lean)), "AB"[number >= 450]])
    return tmp_path


def test_cases_are_the_logs_of_a_folder_and_know_their_truth(folder: Path) -> None:
    plain, turned = cases(folder, None)

    assert (plain.name, plain.truth, plain.real) == ("trades_plain", None, True)
    assert (turned.name, turned.real) == ("trades_turned", False)
    assert turned.truth is not None
    assert len(turned.truth.probability) == len(turned.log) == 900


def test_cases_refuse_a_name_that_is_not_there(folder: Path) -> None:
    with pytest.raises(Invalid, match="trades_plain"):
        list(cases(folder, ["trades_other"]))


def test_baseline_sees_features_side_and_symbol_and_no_outcome_that_never_counts(
    folder: Path,
) -> None:
    plain, _ = cases(folder, None)

    assert plain.rows.inputs.shape == (500, 2 + 1 + 1)
    assert (plain.rows.closed_at[~plain.log.usable] == NEVER).all()


def test_trades_taken_are_those_above_the_quantile_of_what_a_model_said_before(
    folder: Path,
) -> None:
    plain, _ = cases(folder, None)

    class Rising:
        """Says more and more: all but the first are above every quantile."""

        trainings = 0

        def __init__(self, rows: Rows, seed: int) -> None:
            self.rows = len(rows)

        def __call__(self, row: int, known: Ints) -> float:
            return row / self.rows if row >= 300 else float("nan")

    run = baseline(Rising)(plain, 0)

    taken = np.arange(500) >= 300 + MIN_QUANTILE_TRADES
    assert QUANTILE_TRADES > 200
    assert run.taken_pnl_pct == pytest.approx(plain.log.pnl_pct[taken & plain.log.usable].mean())


def test_forecast_that_says_only_yes_or_no_has_no_best_trades(folder: Path) -> None:
    plain, _ = cases(folder, None)

    assert baseline(BASELINES["no-change"])(plain, 0).taken_pnl_pct is None
    assert baseline(BASELINES["static-100"])(plain, 0).taken_pnl_pct is not None


def test_product_is_the_replay_itself(folder: Path) -> None:
    plain, _ = cases(folder, None)
    (line,) = compare(plain, policies_of([], ["if_not_worse"]), 1)

    replayed = play(plain.log, settings_of({"activation_mode": "if_not_worse"}))

    assert line.mean("roc_auc") == score(plain.log, replayed.said).roc_auc
    assert line.mean("trainings") == len(replayed.trainings)


def test_product_draws_anew_with_each_seed(folder: Path) -> None:
    plain, _ = cases(folder, None)
    (line,) = compare(plain, policies_of([], ["if_better"]), 2)

    first, second = line.runs
    assert first.brier != second.brier
    assert line.mean("brier") == pytest.approx((first.brier or 0) / 2 + (second.brier or 0) / 2)


def test_short_memory_reads_no_more_than_its_rows(tmp_path: Path) -> None:
    file = written(market(800), tmp_path / "trades_long.csv")
    (case,) = cases(file.parent, None)

    short = ALWAYS["short-always"].play(case.log, 0).said.probability
    both = Product(ALWAYS["always"].mode).play(case.log, 0).said.probability

    differs = np.flatnonzero(short != both)
    closed = (case.log.closed_at <= case.log.decided_at[differs[0]]).sum()
    assert closed > 500


def test_policies_refuse_a_name_that_there_is_not() -> None:
    with pytest.raises(Invalid, match="baseline clever; there are: arf10"):
        policies_of(["naive", "clever"], [])
    with pytest.raises(Invalid, match="mode perhaps; there are: if_better"):
        policies_of([], ["perhaps"])


def test_table_tells_every_policy_of_every_log_and_the_recovery(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, document = folder / "told.json", folder / "page.md"
    document.write_text("<!-- bench-learning --><!-- /bench-learning -->")
    asked = ["--data", str(folder), "--baselines", "base-rate,naive", "--modes", "if_better"]
    argv = ["learning.py", *asked, "--seeds", "1", "--json", str(out)]
    argv += ["--markdown", str(document)]
    monkeypatch.setattr(sys, "argv", argv)

    learning.main()

    told = capsys.readouterr().out
    for log in ("trades_plain", "trades_turned"):
        for policy in ("base-rate", "naive", "if_better"):
            assert f"| {log} | {policy} | 0." in told
    assert "trades_turned: A to B" in told
    assert told.strip() in document.read_text()
    figures = json.loads(out.read_text())
    assert len(figures) == 6
    assert figures[-1]["runs"][0]["recoveries"][0]["flip"] == "A to B"
    assert figures[-1]["cpu_ratio"] is None


def test_every_baseline_has_a_name_that_the_command_line_can_tell() -> None:
    assert all("," not in name and " " not in name for name in [*BASELINES, *ALWAYS])
