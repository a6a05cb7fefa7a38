"""Trades and settings that nobody can learn from, through the real trainer on real Postgres; and
files of trades, through the real import."""

from __future__ import annotations

import csv
import gzip
import io
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st

from autoretrain.domain.work import Claimed
from autoretrain.errors import DataError
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.connection import connect
from autoretrain.storage.database import TRAINER
from autoretrain.storage.wishes import WishBooks
from autoretrain_local.trade_file import TradeFile, read_trades
from autoretrain_local.trade_store import store_trades
from autoretrain_trainer.bootstrap import assemble
from tests.fakes import FakeArtifacts
from tests.faults.fuzz import Fuzz
from tests.faults.rows import row
from tests.storage.conftest import Stack
from tests.world import NOW, USER, World

WINS_AND_LOSSES = [1.0, -1.0]


def trained(own: Stack, strategy_id: UUID) -> Any:
    """The run as it stands after a trainer has worked the queue down."""
    claim = WishBooks(own.database()).queue(strategy_id, "test")
    assert isinstance(claim, Claimed)
    working, pulse = own.database(TRAINER), own.database(TRAINER)
    clock = DatabaseClock(working)
    trainer = assemble(working, pulse, FakeArtifacts(), clock, lambda *_: None)
    for _ in trainer.work(claim.run_id, None, threading.Event()):
        pass
    return own.world.one("SELECT * FROM autoretrain.training_runs WHERE id = %s", claim.run_id)


@pytest.mark.parametrize(
    ("pnl", "features", "line"),
    [
        pytest.param([], {}, "0 of 100 usable closed trades", id="none"),
        pytest.param([1.0] * 120, {"rsi": 1}, "0 losses", id="wins only"),
        pytest.param([-1.0] * 120, {"rsi": 1}, "0 wins", id="losses only"),
        pytest.param(
            WINS_AND_LOSSES * 60, {"rsi": 5}, "every feature is the same", id="a constant"
        ),
        pytest.param(
            WINS_AND_LOSSES * 60, {"rsi": 5, "adx": 0}, "every feature is the same", id="constants"
        ),
    ],
)
@row("B25")
def test_too_little_to_learn_from_is_told_and_is_no_failure(
    own: Stack, pnl: list[float], features: dict[str, float], line: str
) -> None:
    strategy_id = own.world.strategy()
    own.world.trades(strategy_id, pnl, features=[features] * len(pnl))

    run = trained(own, strategy_id)

    assert (run.status, run.outcome) == ("succeeded", "insufficient_data")
    assert line in run.line
    assert own.world.one("SELECT failures FROM autoretrain.strategy_training").failures == 0
    assert own.world.run("SELECT version FROM ai_strategy_ml_models") == []


def add_bad_trades(world: World, strategy_id: UUID, each: int) -> None:
    """So many of every kind that a bot can store."""
    day = timedelta(days=1)
    for pnl in (None, float("nan"), float("inf"), float("-inf")):
        world.trades(strategy_id, [pnl] * each)
    world.trades(strategy_id, [1.0] * each, first=NOW - day, lasts=2 * day)
    world.trades(strategy_id, [1.0] * each, lasts=-day)
    world.trades(strategy_id, [1.0] * each, side="sideways")


BAD_KINDS = {"no outcome": 4, "closed before decided": 1, "closed in the future": 1} | {
    "unknown side": 1
}


@row("B26")
def test_bad_trades_are_dropped_and_counted_by_reason(own: Stack) -> None:
    strategy_id = own.world.strategy()
    own.world.trades(strategy_id, WINS_AND_LOSSES * 60)
    add_bad_trades(own.world, strategy_id, each=2)

    run = trained(own, strategy_id)

    assert (run.status, run.rows_used) == ("succeeded", 120)
    assert run.rows_dropped == {reason: 2 * kinds for reason, kinds in BAD_KINDS.items()}


@row("B26")
def test_trade_that_a_view_shows_twice_is_learnt_from_once(own: Stack) -> None:
    strategy_id = own.world.strategy()
    own.world.trades(strategy_id, WINS_AND_LOSSES * 60)
    own.world.run(
        "ALTER TABLE public.trades RENAME TO kept; CREATE VIEW public.trades AS SELECT * FROM kept"
        " UNION ALL (SELECT * FROM kept ORDER BY decided_at LIMIT 7);"
        " CREATE OR REPLACE VIEW autoretrain.trades AS SELECT id::text, strategy_id, symbol::text,"
        " lower(side) AS side, decided_at, closed_at, pnl_pct::float8, features, win, executed,"
        " model_version, win_probability FROM public.trades"
    )

    run = trained(own, strategy_id)

    assert (run.status, run.rows_dropped) == ("succeeded", {"duplicate": 7})


@row("B26")
def test_too_many_bad_trades_fail_the_run_with_the_counts(own: Stack) -> None:
    strategy_id = own.world.strategy()
    own.world.trades(strategy_id, WINS_AND_LOSSES * 60)
    add_bad_trades(own.world, strategy_id, each=5)

    run = trained(own, strategy_id)

    assert (run.status, run.error_code) == ("failed", "too_many_bad_rows")
    assert run.error_message.startswith("35 of 155 trades cannot be learnt from")
    assert all(f"{reason}: {5 * n}" in run.error_message for reason, n in BAD_KINDS.items())


@row("B27")
def test_features_of_any_shape_are_read_as_numbers_or_as_missing(own: Stack) -> None:
    strategy_id = own.world.strategy()
    odd: list[Any] = [
        {"rsi": 1, "adx": "high", "note": "x"},
        {"rsi": None, "\U0001f680": 2},
        {"adx": 3, "deep": {"rsi": 1}, "list": [1]},
        {"rsi": 2.5, "flag": True},
        [1, 2],
        "x",
        None,
        {},
    ]
    own.world.run("ALTER TABLE public.trades DROP CONSTRAINT trades_features_check")
    own.world.trades(strategy_id, [1.0, -1.0, 1.0] * 40, features=(odd * 15)[:120])

    run = trained(own, strategy_id)

    assert (run.status, run.rows_used) == ("succeeded", 120)
    assert own.world.one("SELECT version FROM autoretrain.model_artifacts").version == "v1"


@pytest.mark.parametrize(
    ("setting", "stored", "named"),
    [
        ("feature_weights", '{"rsi": "heavy"}', "rsi = heavy"),
        ("feature_weights", '{"rsi": -1}', "rsi = -1"),
        ("feature_weights", '{"rsi": null}', "rsi = None"),
        ("feature_weights", '{"rsi": {"deep": []}}', "rsi = {'deep': []}"),
        ("feature_weights", '{"num_leaves": 1000000000}', "num_leaves"),
        ("feature_weights", f'{{"{"x" * 1_000_000}": 1}}', "xxxxxxxx"),
    ],
    ids=["a text", "negative", "null", "an object", "a hyper-parameter", "1 MB"],
)
@row("B28", "B29")
def test_stored_setting_that_cannot_be_used_fails_the_run_by_its_name(
    own: Stack, setting: str, stored: str, named: str
) -> None:
    strategy_id = own.world.strategy()
    own.world.trades(strategy_id, WINS_AND_LOSSES * 60)
    own.world.run(f"UPDATE autoretrain.strategy_training SET {setting} = %s", stored)

    run = trained(own, strategy_id)

    assert run.status == "failed"
    assert run.error_code in ("bad_feature_weight", "unknown_feature_weight")
    assert named in run.error_message
    assert len(run.error_message) <= 2000


HEADER = ["trade_id", "symbol", "side", "decided_at", "closed_at", "pnl_pct", "f_rsi", "win"]
GOOD = ["A1", "BTC", "long", "2024-01-01T10:00:00Z", "2024-01-01T12:00:00Z", "1.5", "30", "1"]
ODD = [
    *("", "nan", "inf", "-1e309", "1e-400", "0x10", "1_0", "NULL", "=cmd|' /C calc'!A0", "\u202e"),
    *("9" * 400, "2024-13-45", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    *("2024-01-01T10:00:00", "1704103200000", "'; DROP TABLE trades; --", "\\N", "\\.", '"', "a,b"),
]


def files() -> st.SearchStrategy[bytes]:
    """Files of trades: as they should be, with odd cells, with bytes that no text has, cut short,
    packed."""
    cell = st.sampled_from(GOOD) | st.sampled_from(ODD) | st.text(max_size=8)
    near = st.builds(
        lambda at, new: [*GOOD[:at], new, *GOOD[at + 1 :]], st.integers(0, len(GOOD) - 1), cell
    )
    lines = st.lists(near | st.lists(cell, max_size=10), max_size=6)
    headers = st.just(HEADER) | st.permutations(HEADER) | st.lists(cell, max_size=9)
    whole = st.builds(_written, st.just(HEADER) | headers, lines)
    harm = st.builds(
        lambda content, at, by: content[: at % (len(content) + 1)] + by,
        whole,
        st.integers(0, 400),
        st.binary(max_size=6),
    )
    packed = (whole | harm).map(gzip.compress)
    return whole | harm | packed | packed.map(lambda content: content[:-9])


def _written(header: list[str], lines: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([header, *lines])
    return text.getvalue().encode("utf-8", "surrogatepass")


def read(path: Path, content: bytes) -> TradeFile | None:
    """What the file holds, None where it is refused in words."""
    path.write_bytes(content)
    try:
        return read_trades(path, datetime.now(UTC))
    except DataError as exc:
        assert (exc.code, bool(str(exc))) == ("trade_file", True)  # noqa: PT017
        return None


@row("B26")
def test_no_file_of_trades_breaks_the_reader(tmp_path: Path, fuzz: Fuzz) -> None:
    def check(content: bytes) -> None:
        found = read(tmp_path / "trades.csv", content)
        for trade in found.trades if found else ():
            assert abs(trade.pnl_pct or 0.0) < float("inf")
            assert all(abs(value) < float("inf") for value in trade.features.values())

    fuzz("files of trades, read", files(), check, examples=300)


@row("B26", "B19", "B30")
def test_no_trade_that_the_reader_lets_pass_breaks_the_store(
    clone: str, tmp_path: Path, fuzz: Fuzz
) -> None:
    with closing(connect(clone)) as opened:

        def check(content: bytes) -> None:
            found = read(tmp_path / "trades.csv", content)
            trades = found.trades if found else ()
            stored = store_trades(opened, USER, "momentum", trades, replace=True)
            assert stored.total == len(trades)

        fuzz("files of trades, stored", files(), check, examples=60)
