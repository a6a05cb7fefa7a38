from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psycopg2
import pytest

from autoretrain.errors import DatabaseUnavailable, OperatorError
from autoretrain.storage.adopt import create_absent
from autoretrain.storage.connection import connect
from autoretrain.storage.contract import TRADES
from autoretrain.storage.migrate import migrations
from autoretrain_client.cli import main
from autoretrain_local.databases import database
from autoretrain_local.trade_file import read_trades
from autoretrain_local.trade_row import Trade
from autoretrain_local.trade_store import store_trades
from tests.faults.rows import row
from tests.world import World

APPLIED = [f"applied {name}" for name, _ in migrations()]
LOCAL_USER = UUID("00000000-0000-0000-0000-000000000001")
COLUMNS = ["trade_id", "symbol", "side", "decided_at", "closed_at", "pnl_pct", "f_rsi"]
CLOSED = ["A1", "BTC", "long", "2024-01-01T10:00:00Z", "2024-01-01T12:00:00Z", "1.5", "30"]
OPEN = ["A2", "BTC", "short", "2024-01-02T10:00:00Z", "", "", ""]
CLOSED_SINCE = ["A2", "BTC", "short", "2024-01-02T10:00:00Z", "2024-01-03T00:00:00Z", "-2", "99"]
KEPT = "trades differ from what is stored and were kept: import again with --replace to write them"

Import = Callable[..., int]


def _csv(path: Path, *rows: Sequence[str]) -> Path:
    path.write_text("".join(",".join(cells) + "\n" for cells in (COLUMNS, *rows)))
    return path


@pytest.fixture
def importing(tmp_path: Path) -> Import:
    """Import the rows into the database, and return the exit code."""

    def run(url: str, *rows: Sequence[str], strategy: str = "momentum", **options: Any) -> int:
        file = _csv(tmp_path / "trades.csv", *rows)
        flags = [name for name, value in options.items() if value is True]
        values = [f"{name}={options[name]}" for name in options if name not in flags]
        more = [f"--{text.replace('_', '-')}" for text in (*flags, *values)]
        command = ["import-trades", str(file), "--strategy", strategy, "--database-url", url]
        return main([*command, *more])

    return run


def told(new: int, updated: int, different: int, unchanged: int) -> str:
    total = new + updated + different + unchanged
    return (
        f"imported {total} trades ({new} new, {updated} updated, {different} different,"
        f" {unchanged} unchanged)\n"
    )


def trades(url: str) -> list[Any]:
    return World(url).run("SELECT * FROM public.trades ORDER BY decided_at, id")


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
        "imported 2 trades (2 new, 0 updated, 0 different, 0 unchanged)",
    ]


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


def test_import_is_refused_when_two_strategies_have_the_name(
    clone: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        World(clone).strategy("momentum", user_id=LOCAL_USER)
    assert importing(clone, CLOSED) == 78
    expected = "error: 2 strategies are called momentum: rename all but one\n"
    assert capsys.readouterr().err == expected
    assert trades(clone) == []


@row("B26")
def test_bad_rows_are_shown_up_to_ten_and_good_ones_kept(
    clone: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [["", *CLOSED[1:]]] * 12
    assert importing(clone, CLOSED, *bad) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        "rows left out: 12",
        *[f"  line {line}: no trade_id" for line in range(3, 13)],
        "  … and 2 more (--all-bad-rows shows them)",
    ]
    assert printed.out.endswith(told(1, 0, 0, 0))

    assert importing(clone, CLOSED, *bad, all_bad_rows=True) == 0
    assert capsys.readouterr().err.splitlines() == [
        "rows left out: 12",
        *[f"  line {line}: no trade_id" for line in range(3, 15)],
    ]


@row("B26")
def test_trade_is_left_out_when_it_closes_in_the_future(
    clone: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert importing(clone, CLOSED, ["A2", *CLOSED[1:4], tomorrow, *CLOSED[5:]]) == 0
    assert capsys.readouterr().err == "rows left out: 1\n  line 3: closed in the future\n"
    assert len(trades(clone)) == 1


@pytest.mark.parametrize(
    ("columns", "warning"),
    [
        ([], "warning: no features: a model cannot be trained from these trades"),
        (
            ["f_rsi", "f_exit_price", "f_Duration"],
            "warning: Known only when a trade has ended, so not a feature: Duration, exit_price.",
        ),
    ],
)
def test_trades_are_imported_with_a_warning_when_no_model_can_learn_from_their_features(
    columns: list[str],
    warning: str,
    clone: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "trades.csv"
    lines = [[*COLUMNS[:6], *columns], [*CLOSED[:6], *["1"] * len(columns)]]
    file.write_text("\n".join(map(",".join, lines)))
    assert main(["import-trades", str(file), "--strategy", "x", "--database-url", clone]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith(warning)
    assert printed.err.count("\n") == 1
    assert printed.out.endswith(told(1, 0, 0, 0))


def test_import_never_loads_the_learner(clone: str, tmp_path: Path) -> None:
    file = _csv(tmp_path / "trades.csv", CLOSED)
    program = (
        "import sys; from autoretrain_client.cli import main;"
        " code = main(sys.argv[1:]); sys.exit(code or 'lightgbm' in sys.modules)"
    )
    command = ["import-trades", str(file), "--strategy", "x", "--database-url", clone]
    assert subprocess.run([sys.executable, "-c", program, *command], check=False).returncode == 0


def test_ignored_columns_and_infinite_values_are_told(
    clone: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv.gz"
    lines = [[*COLUMNS, "entry", "exit"], [*CLOSED[:6], "inf", "1", "2"]]
    file.write_bytes(gzip.compress("\n".join(map(",".join, lines)).encode()))
    assert main(["import-trades", str(file), "--strategy", "x", "--database-url", clone]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "ignored columns: entry, exit",
        "1 infinite feature values read as missing",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "trade_id,symbol\n1,BTC\n",
            "error: the header lacks: side, decided_at, closed_at, pnl_pct",
        ),
        (",".join(COLUMNS), "error: the file holds no trade that can be read: nothing imported"),
        (
            f"{','.join(COLUMNS)}\n{','.join(['', *CLOSED[1:]])}",
            "error: the file holds no trade that can be read: nothing imported",
        ),
    ],
)
def test_database_is_left_alone_when_no_trade_can_be_read(
    content: str, message: str, blank: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(content)
    assert main(["import-trades", str(file), "--strategy", "x", "--database-url", blank]) == 78
    assert capsys.readouterr().err.splitlines()[-1] == message
    assert World(blank).one("SELECT to_regclass('public.trades') AS found").found is None


def test_nothing_is_written_when_the_database_refuses_one_trade(
    clone: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    World(clone).run("ALTER TABLE public.trades ADD CHECK (pnl_pct > 0)")
    assert importing(clone, CLOSED, CLOSED_SINCE) == 78
    printed = capsys.readouterr().err
    assert printed.startswith("error: the database refuses the trades, nothing was written: ")
    assert printed.count("\n") == 1
    assert trades(clone) == []
    assert World(clone).run("SELECT id FROM public.ai_strategies") == []


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (
            "ALTER TABLE public.trades ALTER id DROP DEFAULT, ALTER id TYPE text",
            "error: column public.trades.id is text, not uuid",
        ),
        (
            """
            ALTER TABLE public.trades RENAME TO positions;
            CREATE VIEW public.trades AS SELECT DISTINCT * FROM public.positions
            """,
            "error: public.trades is a view that does not take INSERT and UPDATE",
        ),
    ],
)
def test_import_is_refused_when_the_users_own_trades_cannot_take_it(
    world: str, message: str, blank: str, importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = psycopg2.connect(blank)
    with opened, opened.cursor() as cursor:
        create_absent(cursor, TRADES)
        cursor.execute(world)
    opened.close()
    assert importing(blank, CLOSED) == 78
    assert message in capsys.readouterr().err


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
    trades_ = read_trades(_csv(tmp_path / "trades.csv", CLOSED), datetime.now(UTC)).trades
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


def test_unreachable_database_is_told_in_one_line(
    importing: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    assert importing("postgresql://user:secret@127.0.0.1:1/none", CLOSED) == 75
    printed = capsys.readouterr().err
    assert printed.startswith("error: the database does not let us in or does not answer")
    assert printed.count("\n") == 1
    assert "secret" not in printed


@pytest.mark.parametrize("arguments", [["no-such-file.csv", "--strategy", "x"], [__file__]])
def test_exit_code_is_2_when_file_or_strategy_is_not_given(arguments: list[str]) -> None:
    assert main(["import-trades", *arguments]) == 2


@pytest.mark.parametrize(("length", "code"), [(0, 2), (1, 0), (200, 0), (201, 2)])
def test_name_of_a_strategy_has_1_to_200_characters(
    length: int, code: int, clone: str, importing: Import
) -> None:
    name = "x" * length
    assert importing(clone, CLOSED, strategy=f" {name} ") == code
    found = World(clone).run("SELECT name FROM public.ai_strategies")
    assert [strategy.name for strategy in found] == ([] if code else [name])


def test_migrate_says_what_it_applied_and_then_that_there_is_nothing_to_do(
    blank: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", "--database-url", blank]) == 0
    assert capsys.readouterr().out.splitlines() == APPLIED
    assert main(["migrate", "--database-url", blank]) == 0
    assert capsys.readouterr().out == "nothing to do: the schema is up to date\n"


def test_migrate_shows_a_warning_with_its_sql(
    clone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    World(clone).run("DROP INDEX public.trades_closed")
    assert main(["migrate", "--database-url", clone]) == 0
    told = capsys.readouterr().err
    assert told.startswith("warning: public.trades has no index")
    assert "CREATE INDEX" in told


def test_database_is_the_embedded_one_when_none_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = _csv(tmp_path / "trades.csv", CLOSED), str(tmp_path / "data")
    assert main(["migrate", "--data", data]) == 0
    assert main(["import-trades", str(file), "--strategy", "x", "--data", data]) == 0
    assert main(["import-trades", str(file), "--strategy", "x", "--data", data]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(APPLIED)] == APPLIED
    assert lines[-1] == told(0, 0, 0, 1).strip()


def _announce(data: Path, pid: int, url: str) -> None:
    (data / "stack.json").write_text(json.dumps({"pid": pid, "database_url": url}))


def test_database_is_the_running_stacks_unless_another_is_named(tmp_path: Path) -> None:
    _announce(tmp_path, os.getpid(), "postgresql://stack")
    with database(None, tmp_path) as url:
        assert url == "postgresql://stack"
    with database("postgresql://named", tmp_path) as url:
        assert url == "postgresql://named"
    assert not (tmp_path / "postgres").exists()


def test_database_is_the_embedded_one_when_the_stack_has_died(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    _announce(tmp_path, gone.pid, "postgresql://stack")
    with database(None, tmp_path) as url:
        assert World(url).one("SELECT current_database() AS name").name == "autoretrain"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": "x", "database_url": "y"}'])
def test_stack_file_that_cannot_be_read_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(content)
    with (
        pytest.raises(OperatorError, match=r"stack\.json cannot be read"),
        database(None, tmp_path),
    ):
        pass
