from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from autoretrain_local.demo.market import atr, load_prices, macd_histogram, rsi

MONDAY_CLOSE = datetime(2026, 11, 16, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "now",
    [
        *(datetime(2026, 11, day, 12, 34, tzinfo=UTC) for day in range(16, 24)),
        MONDAY_CLOSE - timedelta(seconds=1),
        MONDAY_CLOSE,
        MONDAY_CLOSE + timedelta(seconds=1),
        datetime(2028, 2, 29, 23, 59, tzinfo=UTC),
    ],
)
def test_prices_end_within_the_last_week_whatever_the_moment(now: datetime) -> None:
    for frame in load_prices(now).values():
        assert timedelta(0) <= now - frame.index[-1].to_pydatetime() < timedelta(days=7)


def test_prices_keep_every_weekday_when_they_are_moved() -> None:
    for frame in load_prices(MONDAY_CLOSE + timedelta(days=5)).values():
        assert set(pd.DatetimeIndex(frame.index).day_of_week) == {0, 1, 2, 3, 4}
        assert frame.index[-1] == MONDAY_CLOSE
        assert frame.index.is_monotonic_increasing
        assert frame.index.is_unique


def test_prices_are_those_of_the_market() -> None:
    prices = load_prices(MONDAY_CLOSE)
    assert {symbol: len(frame) for symbol, frame in prices.items()} == {
        "SP500": 5031,
        "NASDAQ": 5031,
    }
    assert prices["SP500"]["close"].iloc[-1] == pytest.approx(2506.85, abs=0.01)
    for frame in prices.values():
        assert (frame["low"] <= frame["close"]).all()
        assert (frame["close"] <= frame["high"]).all()


def test_loading_prices_never_imports_what_they_ship_in() -> None:
    program = (
        "import sys; from datetime import UTC, datetime;"
        "from autoretrain_local.demo.market import load_prices; load_prices(datetime.now(UTC));"
        "sys.exit(bool({'arch', 'statsmodels'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_rsi_is_100_when_prices_only_rise_and_0_when_they_only_fall() -> None:
    rising = pd.Series(np.arange(1.0, 40.0))
    assert rsi(rising, 14).iloc[-1] == pytest.approx(100)
    assert rsi(rising[::-1], 14).iloc[-1] == pytest.approx(0)


def test_atr_counts_a_gap_from_the_close_before() -> None:
    flat = pd.DataFrame({"high": [10.0] * 30, "low": [9.0] * 30, "close": [9.5] * 30})
    assert atr(flat).iloc[-1] == pytest.approx(1.0)
    flat.loc[29] = [20.0, 19.0, 19.5]
    assert atr(flat).iloc[-1] == pytest.approx((13 * 1.0 + 10.5) / 14)


def test_macd_histogram_has_the_sign_of_a_fresh_turn() -> None:
    turn = pd.Series([*np.linspace(200, 100, 100), *np.linspace(100, 110, 5)])
    assert macd_histogram(turn).iloc[-1] > 0
    assert macd_histogram(-turn).iloc[-1] < 0
