from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid5

import pytest

from autoretrain.errors import DatabaseUnavailable
from autoretrain.storage.connection import connect
from autoretrain_client.cli import main
from autoretrain_local.trade_file import read_trades
from autoretrain_local.trade_row import Trade
from autoretrain_local.trade_store import store_trades
from tests.local.trade_files import (
    APPLIED,
    CLOSED,
    CLOSED_SINCE,
    COLUMNS,
    KEPT,
    LOCAL_USER,
    OPEN,
    Import,
    csv_file,
    told,
    trades,
)
from tests.world import World


def test_trades_arrive_as_they_are_in_the_file(
    blank: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    assert importing(blank, CLOSED, OPEN) == 0

    strategy = World(blank).one("SELECT * FROM public.ai_strategies")
    assert (strategy.name, strategy.user_id) == ("momentum", LOCAL_USER)
    assert strategy.is_active
    assert strategy.ml_training_enabled
    first, second = trades(blank)
    assert first.id == uuid5(strategy.id, "A1")
    assert (first.strategy_id, first.symbol, first.side) == (strategy.id, "BTC", "long")
    assert first.decided_at.isoformat() == "2024-01-01T10:00:00+00:00"
    assert first.closed_at.isoformat() == "2024-01-01T12:00:00+00:00"
    assert (first.pnl_pct, first.features) == (1.5, {"rsi": 30})
    assert (second.closed_at, second.pnl_pct, second.features) == (None, None, {})
    assert capsys.readouterr().out.splitlines() == [
        *APPLIED,
        f"created strategy momentum ({strategy.id})",
        "imported 2 of 2 trades (2 new, 0 updated, 0 different, 0 unchanged)",
    ]


def test_trades_decided_before_the_last_training_are_told_as_not_counting(
    clone: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    importing(clone, OPEN)
    assert "last training" not in capsys.readouterr().err
    World(clone).run("UPDATE public.ai_strategies SET ml_model_trained_at = now()")

    importing(clone, OPEN, CLOSED)
    assert capsys.readouterr().err.startswith(
        "new trades decided before the last training: 1; the next one learns from them"
    )
    importing(clone, OPEN, CLOSED)
    assert capsys.readouterr().err == ""


def test_importing_again_changes_only_what_has_closed_since(
    clone: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    importing(clone, CLOSED, OPEN)
    before = trades(clone)
    capsys.readouterr()

    assert importing(clone, CLOSED, OPEN) == 0
    assert capsys.readouterr().out == told(0, 0, 0, 2)
    assert trades(clone) == before

    assert importing(clone, CLOSED, CLOSED_SINCE, ["A3", *CLOSED[1:]]) == 0
    assert capsys.readouterr() == (told(1, 1, 0, 1), "")
    found = {trade.id: trade for trade in trades(clone)}
    assert found[before[0].id] == before[0]
    closed = found[before[1].id]
    assert (closed.pnl_pct, closed.features) == (-2, {})
    assert closed.closed_at.isoformat() == "2024-01-03T00:00:00+00:00"


@pytest.mark.parametrize(
    "corrected",
    [
        ["A1", "ETH", *CLOSED[2:]],
        [*CLOSED[:2], "short", *CLOSED[3:]],
        [*CLOSED[:3], "2024-01-01T09:00:00Z", *CLOSED[4:]],
        [*CLOSED[:4], "2024-01-01T13:00:00Z", *CLOSED[5:]],
        [*CLOSED[:5], "-1.5", "30"],
        [*CLOSED[:6], "31"],
        [*CLOSED[:6], ""],
        [*CLOSED[:4], "", "", "30"],  # open again
    ],
    ids=[*COLUMNS[1:], "feature gone", "open"],
)
def test_trade_that_differs_from_the_stored_one_is_told_and_written_only_to_replace_it(
    corrected: list[str], clone: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    other = ["A2", *CLOSED[1:]]
    importing(clone, CLOSED, other)
    before = trades(clone)
    capsys.readouterr()

    assert importing(clone, corrected, other) == 0
    assert capsys.readouterr() == (told(0, 0, 1, 1), f"1 {KEPT}\n")
    assert trades(clone) == before

    assert importing(clone, corrected, other, replace=True) == 0
    assert capsys.readouterr() == (told(0, 1, 0, 1), "")
    replaced = trades(clone)
    assert len(set(map(str, replaced)) - set(map(str, before))) == 1

    assert importing(clone, corrected, other) == 0
    assert capsys.readouterr() == (told(0, 0, 0, 2), "")
    importing(clone, CLOSED, other, replace=True)
    assert trades(clone) == before


def test_trade_that_is_still_open_is_kept_when_it_differs(
    clone: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    importing(clone, OPEN)
    before = trades(clone)
    importing(clone, [*OPEN[:6], "31"])
    assert capsys.readouterr().out.endswith(told(0, 0, 1, 0))
    assert trades(clone) == before


def test_features_of_a_trade_that_has_closed_since_are_kept_and_then_told(
    clone: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    importing(clone, OPEN)
    importing(clone, CLOSED_SINCE)
    capsys.readouterr()
    importing(clone, CLOSED_SINCE)
    assert capsys.readouterr().out == told(0, 0, 1, 0)
    importing(clone, CLOSED_SINCE, replace=True)
    assert trades(clone)[0].features == {"rsi": 99}


def test_another_strategys_trade_is_left_alone_when_its_id_is_the_same(
    clone: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    importing(clone, CLOSED, strategy="one")
    importing(clone, [*CLOSED[:6], "31"], strategy="two", replace=True)
    assert capsys.readouterr().out.endswith(told(1, 0, 0, 0))
    assert sorted(trade.features["rsi"] for trade in trades(clone)) == [30, 31]


def test_strategy_is_found_by_name_among_the_users_own(clone: str, importing: Import) -> None:
    world = World(clone)
    mine = world.strategy("momentum", user_id=LOCAL_USER)
    theirs = world.strategy("momentum")
    assert importing(clone, CLOSED) == 0
    assert {trade.strategy_id for trade in trades(clone)} == {mine}

    owner = world.one("SELECT user_id FROM public.ai_strategies WHERE id = %s", theirs).user_id
    assert importing(clone, CLOSED, user_id=owner) == 0
    assert {trade.strategy_id for trade in trades(clone)} == {mine, theirs}


def test_import_never_loads_the_learner(clone: str, tmp_path: Path) -> None:
    file = csv_file(tmp_path / "trades.csv", CLOSED)
    program = (
        "import sys; from autoretrain_client.cli import main;"
        " code = main(sys.argv[1:]); sys.exit(code or 'lightgbm' in sys.modules)"
    )
    command = ["import-trades", str(file), "--strategy", "x", "--database-url", clone]
    assert subprocess.run([sys.executable, "-c", program, *command], check=False).returncode == 0


def test_import_writes_through_a_view_of_the_users_own(
    blank: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    World(blank).run(
        "CREATE TABLE positions (id uuid, strategy_id uuid, symbol varchar(20), side varchar(5),"
        " decided_at timestamptz(0), closed_at timestamptz, pnl_pct numeric(20, 8),"
        " features jsonb);"
        "CREATE VIEW public.trades AS SELECT * FROM positions"
    )
    assert importing(blank, CLOSED, OPEN) == 0
    assert importing(blank, CLOSED, CLOSED_SINCE) == 0
    assert [float(trade.pnl_pct) for trade in trades(blank)] == [1.5, -2]

    rounded = [*CLOSED[:3], "2024-01-01T10:00:00.4Z", CLOSED[4], "1.500000001", CLOSED[6]]
    importing(blank, rounded)
    assert capsys.readouterr().out.endswith(told(0, 0, 0, 1))
    corrected = [*CLOSED[:5], "1.123456789", CLOSED[6]]
    importing(blank, corrected, replace=True)
    importing(blank, corrected)
    assert capsys.readouterr().out == told(0, 1, 0, 0) + told(0, 0, 0, 1)
    assert float(trades(blank)[0].pnl_pct) == 1.12345679


def test_import_waits_while_another_one_writes(clone: str, tmp_path: Path) -> None:
    trades_ = read_trades(csv_file(tmp_path / "trades.csv", CLOSED), datetime.now(UTC)).trades
    impatient = f"{clone}?options=-c%20lock_timeout%3D50"

    def second_starts_in_the_middle() -> Iterator[Trade]:
        with closing(connect(impatient)) as other:
            store_trades(other, LOCAL_USER, "momentum", trades_)
        yield from trades_

    with (
        closing(connect(clone)) as opened,
        pytest.raises(DatabaseUnavailable, match="lock timeout"),
    ):
        store_trades(opened, LOCAL_USER, "momentum", second_starts_in_the_middle())
    assert trades(clone) == []


def test_text_arrives_unchanged_when_it_holds_what_copy_treats_specially(
    clone: str, tmp_path: Path
) -> None:
    names = ['A,"B"', "two\r\nlines", "back\\slash", "\\.", "\\N", "Ω"]
    file = tmp_path / "trades.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows(
            [[*COLUMNS, *map("f_{}".format, names)]]
            + [[name, name, *CLOSED[2:], *["1"] * len(names)] for name in names]
        )
    assert main(["import-trades", str(file), "--strategy", "x", "--database-url", clone]) == 0
    found = trades(clone)
    assert {trade.symbol for trade in found} == set(names)
    assert all(trade.features == {"rsi": 30} | dict.fromkeys(names, 1) for trade in found)
