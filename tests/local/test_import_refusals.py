from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest

from autoretrain.storage.adopt import create_absent
from autoretrain.storage.contract import TRADES
from autoretrain_client.cli import main
from tests.faults.rows import row
from tests.local.trade_files import CLOSED, CLOSED_SINCE, COLUMNS, LOCAL_USER, Import, told, trades
from tests.world import World


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


def test_forgotten_prefix_is_told_when_no_column_is_a_feature(
    clone: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trades.csv"
    lines = [[*COLUMNS[:6], "rsi", "trend"], [*CLOSED[:6], "31.2", "-0.4"]]
    file.write_text("\n".join(map(",".join, lines)))
    assert main(["import-trades", str(file), "--strategy", "x", "--database-url", clone]) == 0
    assert capsys.readouterr().err.splitlines()[0] == (
        "ignored columns: rsi, trend (feature columns are called f_NAME: f_rsi?)"
    )


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
