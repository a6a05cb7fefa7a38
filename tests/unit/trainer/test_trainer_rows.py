from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from autoretrain.errors import DataError, InternalError
from autoretrain_trainer.copy_stream import CopyStream
from autoretrain_trainer.rows import (
    MAX_BAD_SHARE,
    TRADE_FIELDS,
    rows_to_read,
    to_datetime,
    to_microseconds,
)
from tests.unit.trainer.trade_stream import AS_OF, HOUR, START, Trade, binary_copy, loaded, market

FEATURES = ["rsi", "volume"]
MUCH_LATER = AS_OF + timedelta(days=99)


def good(number: int, **changes: float) -> Trade:
    trade = Trade(number, START + number * HOUR, START + (number + 2) * HOUR, 1.0, {"rsi": 40.0})
    return replace(trade, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 19, 20, 113, 1_000_000])
def test_copy_stream_decodes_the_same_rows_however_the_bytes_are_cut(chunk_bytes: int) -> None:
    content = binary_copy(market(5), FEATURES, ["BTC", "ETH"], extension=b"later")
    stream = CopyStream(len(TRADE_FIELDS) + len(FEATURES), 5)
    for start in range(0, len(content), chunk_bytes):
        stream.write(content[start : start + chunk_bytes])
    values = stream.values()
    assert values.shape == (11, 5)
    assert values[0].tolist() == [0, 1, 2, 3, 4]
    assert values[9].view(np.float64).tolist() == [t.features["rsi"] for t in market(5)]


@pytest.mark.parametrize("cut", [1, 2, 50])
def test_copy_stream_refuses_a_stream_that_was_cut_short(cut: int) -> None:
    stream = CopyStream(len(TRADE_FIELDS), 5)
    stream.write(binary_copy([good(1)], [], ["BTC"])[:-cut])
    with pytest.raises(InternalError, match="ended before its trailer"):
        stream.values()


def test_copy_stream_refuses_rows_of_another_shape() -> None:
    stream = CopyStream(len(TRADE_FIELDS) - 1, 5)
    with pytest.raises(InternalError, match="another shape"):
        stream.write(binary_copy([good(1)], [], ["BTC"]))


def test_copy_stream_refuses_another_format() -> None:
    with pytest.raises(InternalError, match="not PostgreSQL binary COPY"):
        CopyStream(8, 5).write(b"id,decided_at,closed_at,pnl_pct\n")


def test_copy_stream_says_the_same_when_a_refused_chunk_is_sent_again() -> None:
    stream = CopyStream(len(TRADE_FIELDS), 1)
    for _ in range(2):
        with pytest.raises(InternalError, match="more rows"):
            stream.write(binary_copy([good(1), good(2)], [], ["BTC"]))


def test_loading_refuses_more_rows_than_were_asked_for() -> None:
    with pytest.raises(InternalError, match="more rows"):
        loaded([good(1), good(2)], newest=1)


def test_trades_keep_every_value_and_come_in_time_order() -> None:
    late = Trade(
        id=7,
        decided_at=START + HOUR,
        closed_at=START + 3 * HOUR,
        pnl_pct=-0.5,
        features={"rsi": 61.5},
        win=0.0,
        side=-1.0,
        executed=0.0,
        symbol="ETH",
    )
    early = Trade(9, START, START + 2 * HOUR, 2.0, {"adx": 20.0, "rsi": 30.5})
    trades = loaded([late, early])
    assert trades.features == ("adx", "rsi")
    assert trades.symbols == ("BTC", "ETH")
    assert trades.decided_at.tolist() == [START, START + HOUR]
    assert trades.closed_at.tolist() == [START + 2 * HOUR, START + 3 * HOUR]
    assert trades.pnl_pct.tolist() == [2.0, -0.5]
    assert trades.win.tolist() == [True, False]
    assert trades.executed.tolist() == [True, False]
    assert trades.side.tolist() == [1.0, -1.0]
    assert trades.symbol.tolist() == [0, 1]
    np.testing.assert_array_equal(trades.values, [[20.0, 30.5], [math.nan, 61.5]])


def test_trade_without_a_symbol_has_no_position_among_the_symbols() -> None:
    trades = loaded([good(1), replace(good(2), symbol=None)])
    assert trades.symbols == ("BTC",)
    assert trades.symbol.tolist() == [0, -1]


def test_trades_of_one_moment_are_ordered_by_close_then_id() -> None:
    trades = loaded(
        [
            good(3, decided_at=START, closed_at=START + HOUR, pnl_pct=3.0),
            good(1, decided_at=START, closed_at=START + 2 * HOUR, pnl_pct=1.0),
            good(2, decided_at=START, closed_at=START + HOUR, pnl_pct=2.0),
        ]
    )
    assert trades.pnl_pct.tolist() == [2.0, 3.0, 1.0]


@pytest.mark.parametrize(
    ("reason", "bad"),
    [
        ("no outcome", good(50, pnl_pct=math.nan)),
        ("no outcome", good(50, pnl_pct=math.inf)),
        ("duplicate", good(5)),
        ("closed before decided", good(50, closed_at=START)),
        ("closed in the future", good(50, closed_at=to_microseconds(AS_OF) + 1)),
        ("win disagrees with pnl_pct", good(50, win=0.0)),
        ("unknown side", good(50, side=math.inf)),
    ],
)
def test_bad_rows_are_dropped_and_counted_by_reason(reason: str, bad: Trade) -> None:
    trades = loaded([bad, *map(good, range(10))])
    assert trades.dropped == {reason: 1}
    assert len(trades) == 10
    assert trades.decided_at.tolist() == [START + n * HOUR for n in range(10)]


def test_bad_row_is_counted_once_when_it_is_bad_for_several_reasons() -> None:
    worst = good(50, pnl_pct=math.nan, closed_at=START, side=math.inf)
    assert loaded([worst, *map(good, range(10))]).dropped == {"no outcome": 1}


def test_duplicate_keeps_the_first_in_time() -> None:
    again = good(5, decided_at=START + 9 * HOUR, closed_at=START + 10 * HOUR, pnl_pct=9.0)
    trades = loaded([again, *map(good, range(8))])
    assert trades.dropped == {"duplicate": 1}
    assert trades.pnl_pct.tolist() == [1.0] * 8


def test_missing_outcome_flag_side_and_execution_are_no_fault() -> None:
    trades = loaded([good(1, win=math.nan, side=math.nan, executed=math.nan)])
    assert trades.dropped == {}
    assert trades.executed.tolist() == [True]
    assert np.isnan(trades.side).all()


def test_loading_goes_on_when_a_fifth_of_the_rows_is_bad() -> None:
    bad = [good(50 + n, pnl_pct=math.nan) for n in range(2)]
    assert len(loaded([*bad, *map(good, range(8))])) == 8


def test_loading_fails_with_the_counts_when_more_than_a_fifth_is_bad() -> None:
    bad = [good(50, pnl_pct=math.nan), good(51, side=math.inf), good(5)]
    with pytest.raises(DataError, match="no outcome: 1, duplicate: 1, unknown side: 1") as raised:
        loaded([*bad, *map(good, range(11))])
    assert raised.value.code == "too_many_bad_rows"
    assert "3 of 14" in str(raised.value)


def test_data_hash_ignores_the_order_of_arrival() -> None:
    trades = market(30)
    assert loaded(trades).data_hash == loaded(trades[::-1]).data_hash


@pytest.mark.parametrize(
    "changed",
    [
        [*market(29), replace(market(30)[-1], pnl_pct=0.1)],
        [*market(29), replace(market(30)[-1], side=math.nan)],
        [*market(29), replace(market(30)[-1], features={"rsi": 1.0})],
        market(31),
        market(29),
        # The same numbers under another name.
        [replace(t, features={f"x{k}": v for k, v in t.features.items()}) for t in market(30)],
        [replace(t, symbol=f"{t.symbol}USDT") for t in market(30)],
    ],
)
def test_data_hash_changes_when_anything_does(changed: list[Trade]) -> None:
    assert loaded(changed).data_hash != loaded(market(30)).data_hash


def test_data_hash_changes_when_a_row_that_was_bad_becomes_good() -> None:
    trades = market(30)
    last_closed_at = max(trade.closed_at for trade in trades)
    before = loaded(trades, as_of=to_datetime(last_closed_at - 1))
    after = loaded(trades, as_of=to_datetime(last_closed_at))
    assert set(before.dropped) == {"closed in the future"}
    assert before.data_hash != after.data_hash


def test_data_hash_stays_when_only_time_goes_by() -> None:
    assert loaded(market(30)).data_hash == loaded(market(30), as_of=MUCH_LATER).data_hash


def test_no_trades_are_an_empty_value() -> None:
    assert len(loaded([])) == 0


def test_only_keeps_the_chosen_trades() -> None:
    trades = loaded(market(10))
    chosen = trades.only(np.arange(10) % 2 == 0)
    assert len(chosen) == 5
    np.testing.assert_array_equal(chosen.values, trades.values[::2])
    assert chosen.features == trades.features


@pytest.mark.parametrize(("minimum", "rows"), [(100, 20_000), (20_000, 25_000)])
def test_rows_to_read_hold_the_minimum_after_dropping_as_many_as_may_be(
    minimum: int, rows: int
) -> None:
    assert rows_to_read(minimum, 20_000) == rows
    assert rows * (1 - MAX_BAD_SHARE) >= minimum


def test_microseconds_count_from_the_epoch_of_postgres_and_back() -> None:
    moment = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
    assert to_microseconds(datetime(2000, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1_000_000
    assert to_datetime(to_microseconds(moment)) == moment
