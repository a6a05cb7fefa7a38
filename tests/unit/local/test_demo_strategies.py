from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from autoretrain_local.demo.market import load_prices
from autoretrain_local.demo.strategies import PLANS, DemoStrategy, Plan, demo_strategies
from autoretrain_local.demo.trades import FEE_PCT, WARM_UP_DAYS, Setup, play

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)

Day = tuple[float, float, float]
"""High, low and close."""


@pytest.fixture(scope="module")
def strategies() -> dict[str, DemoStrategy]:
    return {strategy.name: strategy for strategy in demo_strategies(load_prices(NOW))}


def prices_of(*days: Day) -> pd.DataFrame:
    """A quiet market at 100 until the entry, then the given days."""
    rows = [(101.0, 99.0, 100.0)] * (WARM_UP_DAYS + 1) + list(days)
    index = pd.bdate_range("2020-01-01", periods=len(rows), tz="UTC")
    return pd.DataFrame(rows, columns=["high", "low", "close"], index=index)


def one_entry(prices: pd.DataFrame, side: int, target: float, stop: float) -> Setup:
    sides = pd.Series(0, prices.index)
    sides.iloc[WARM_UP_DAYS] = side
    return Setup(sides, pd.Series(target, prices.index), pd.Series(stop, prices.index))


@pytest.mark.parametrize(
    ("days", "left_after", "price"),
    [
        ([(102, 99, 101), (106, 101, 104)], 2, 105),  # the target
        ([(102, 99, 101), (101, 94, 96)], 2, 95),  # the stop
        ([(106, 94, 104)], 1, 95),  # both in a day: the stop comes first
        ([(92, 90, 91)], 1, 92),  # a gap below the stop fills at that day's high
        ([(110, 107, 108)], 1, 107),  # a gap above the target fills at that day's low
        ([(102, 99, 101), (102, 99, 101), (103, 99, 102)], 3, 102),  # time is up: the close
    ],
)
@pytest.mark.parametrize("side", [1, -1])
def test_a_trade_leaves_where_later_prices_say(
    side: int, days: list[Day], left_after: int, price: float
) -> None:
    if side < 0:  # the same days upside down around the entry's 100
        days = [(200 - low, 200 - high, 200 - close) for high, low, close in days]
    prices = prices_of(*days)
    [trade] = play(prices, one_entry(prices, side, 100 + 5 * side, 100 - 5 * side), 3).to_dict(
        "records"
    )
    assert trade["closed_at"] == prices.index[WARM_UP_DAYS + left_after]
    assert trade["pnl_pct"] == pytest.approx(price - 100 - FEE_PCT)
    assert trade["win"] == (price > 100)
    assert trade["side"] == ("long" if side > 0 else "short")


def test_a_trade_is_left_out_while_it_is_open() -> None:
    prices = prices_of((102, 99, 101), (102, 99, 101))
    assert play(prices, one_entry(prices, 1, 105, 95), max_days=3).empty


def test_a_symbol_has_one_open_trade_at_a_time() -> None:
    prices = prices_of(*[(102.0, 99.0, 101.0)] * 6)
    every_day = Setup(
        pd.Series(1, prices.index), pd.Series(105.0, prices.index), pd.Series(95.0, prices.index)
    )
    trades = play(prices, every_day, max_days=3)
    assert list(trades["decided_at"]) == [prices.index[WARM_UP_DAYS + day] for day in (0, 3)]


def test_no_trade_is_taken_when_the_target_is_too_near_for_its_fee() -> None:
    prices = prices_of((106, 99, 105))
    assert play(prices, one_entry(prices, 1, 100.1, 95), max_days=1).empty


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_a_decision_and_its_features_are_the_same_whatever_comes_after(plan: Plan) -> None:
    frame = load_prices(NOW)["NASDAQ"]
    known = ["side", "decided_at"]
    for _, trade in play(frame, plan.setup(frame), plan.max_days).iloc[::12].iterrows():
        days_known = (frame.index <= trade["decided_at"]).sum()
        other = frame.iloc[: days_known + 1].copy()
        close = other["close"].iloc[-2]
        other.iloc[-1] = [2 * close, 0.1 * close, 1.5 * close]
        last = play(other, plan.setup(other), plan.max_days).iloc[-1]
        assert last[known].equals(trade[known])
        assert last.filter(like="f_").equals(trade.filter(like="f_"))


def test_the_demo_shows_seven_strategies_and_one_is_disabled(
    strategies: dict[str, DemoStrategy],
) -> None:
    assert len(strategies) == 7
    assert [name for name, strategy in strategies.items() if not strategy.enabled] == [
        "Average cross"
    ]


def test_trades_are_clean(strategies: dict[str, DemoStrategy]) -> None:
    ids = pd.concat([strategy.trades["trade_id"] for strategy in strategies.values()])
    assert ids.is_unique
    for strategy in strategies.values():
        trades = strategy.trades
        features = trades.filter(like="f_")
        assert np.isfinite(features.to_numpy(float)).all()
        assert (features.nunique() > 1).all()
        assert (trades["win"] == (trades["pnl_pct"] > 0)).all()
        assert (trades["closed_at"] > trades["decided_at"]).all()
        assert trades["closed_at"].max() <= NOW
        assert trades["decided_at"].is_monotonic_increasing
        assert set(trades["symbol"]) == {"SP500", "NASDAQ"}


@pytest.mark.parametrize(
    ("name", "trades", "win_rate"),
    [
        ("MACD cross", 150, 0.56),
        ("RSI reversion", 262, 0.20),
        ("RSI dip buyer", 766, 0.74),
        ("Pullback", 613, 0.36),
        ("Breakout", 130, 0.60),
        ("RSI-14 30/70", 94, 0.47),
        ("Average cross", 186, 0.65),
    ],
)
def test_a_strategy_has_the_trades_that_the_market_gave_it(
    strategies: dict[str, DemoStrategy], name: str, trades: int, win_rate: float
) -> None:
    assert len(strategies[name].trades) == trades
    assert strategies[name].trades["win"].mean() == pytest.approx(win_rate, abs=0.006)


@pytest.mark.parametrize(
    ("name", "before", "since"),
    [("RSI reversion", 151, 109), ("RSI dip buyer", 728, 36), ("Pullback", 608, 5)],
)
@pytest.mark.parametrize("day", range(16, 24))
def test_the_first_training_leaves_the_same_trades_for_later_on_any_day(
    name: str, before: int, since: int, day: int
) -> None:
    now = datetime(2026, 11, day, 12, tzinfo=UTC)
    [strategy] = [s for s in demo_strategies(load_prices(now)) if s.name == name]
    first = strategy.first_trained_at
    assert first is not None
    assert (strategy.trades["closed_at"] <= first).sum() == before
    assert (strategy.trades["decided_at"] >= first).sum() == since
    assert now - first > timedelta(days=7)


def test_the_dip_buyer_wins_less_often_after_its_first_training(
    strategies: dict[str, DemoStrategy],
) -> None:
    dip_buyer = strategies["RSI dip buyer"]
    later = dip_buyer.trades["decided_at"] >= dip_buyer.first_trained_at
    assert not dip_buyer.reports
    assert dip_buyer.trades.loc[~later, "win"].mean() == pytest.approx(0.745, abs=0.006)
    assert dip_buyer.trades.loc[later, "win"].mean() == pytest.approx(0.611, abs=0.001)
