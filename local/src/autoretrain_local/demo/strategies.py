"""Owns the demo's seven strategies: when each enters, where its target and stop lie, and how much
of its history the demo shows. What comes of a trade is the market's doing alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

import pandas as pd

from autoretrain_local.demo.market import atr, highest, lowest, macd_histogram, mean, rsi
from autoretrain_local.demo.trades import Setup, play


@dataclass(frozen=True, eq=False)
class DemoStrategy:
    """A strategy as the demo's database gets it.

    `trades` are closed, in order of decision: trade_id, symbol, side, decided_at, closed_at (UTC,
    closes of trading days), pnl_pct (net of FEE_PCT), win, and the features as f_*. v1 is to be
    trained at `first_trained_at` on what had closed by then. `reports`: later trades carry the
    model's version and probability.
    """

    name: str
    enabled: bool
    trades: pd.DataFrame
    first_trained_at: datetime | None
    reports: bool


@dataclass(frozen=True)
class Plan:
    """How long a strategy holds, and what the demo shows of it: counts, never outcomes.

    `newest` trades are kept (all when None); v1 is trained before the newest `since_first` of them.
    """

    name: str
    setup: Callable[[pd.DataFrame], Setup]
    max_days: int
    newest: int | None = None
    since_first: int | None = None
    enabled: bool = True
    reports: bool = True


def macd_cross(prices: pd.DataFrame) -> Setup:
    side = _crosses(macd_histogram(prices["close"]))
    return _on_chart(prices, side, target_days=20, stop_days=10, target_room=0.25)


def rsi_reversion(prices: pd.DataFrame) -> Setup:
    strength = rsi(prices["close"], 2)
    side = _side(strength < 15, strength > 85)
    return _on_chart(prices, side, target_days=10, stop_days=20)


def rsi_dip_buyer(prices: pd.DataFrame) -> Setup:
    close = prices["close"]
    return Setup((rsi(close, 2) < 20).astype(int), mean(close, 10), close - 3 * atr(prices))


def pullback(prices: pd.DataFrame) -> Setup:
    close = prices["close"]
    strength, trend = rsi(close, 5), mean(close, 200)
    side = _side((strength < 40) & (close > trend), (strength > 60) & (close < trend))
    return _on_chart(prices, side, target_days=20, stop_days=20, target_room=0.25)


def breakout(prices: pd.DataFrame) -> Setup:
    close = prices["close"]
    side = _side(close > highest(prices, 20).shift(), close < lowest(prices, 20).shift())
    stop = lowest(prices, 5).where(side > 0, highest(prices, 5))
    return Setup(side, close + side * 2 * atr(prices), stop)


def rsi_oversold(prices: pd.DataFrame) -> Setup:
    close = prices["close"]
    return Setup((rsi(close, 14) < 30).astype(int), mean(close, 20), close - 2 * atr(prices))


def average_cross(prices: pd.DataFrame) -> Setup:
    side = _crosses(mean(prices["close"], 20) - mean(prices["close"], 50))
    return _on_chart(prices, side, target_days=20, stop_days=10, target_room=0.25)


PLANS = (
    Plan("MACD cross", macd_cross, max_days=20, newest=150),
    Plan("RSI reversion", rsi_reversion, max_days=10, newest=262, since_first=109),
    Plan("RSI dip buyer", rsi_dip_buyer, max_days=10, since_first=36, reports=False),
    Plan("Pullback", pullback, max_days=20, since_first=5),
    Plan("Breakout", breakout, max_days=20, newest=130),
    Plan("RSI-14 30/70", rsi_oversold, max_days=20),
    Plan("Average cross", average_cross, max_days=20, enabled=False),
)


def demo_strategies(prices: Mapping[str, pd.DataFrame]) -> list[DemoStrategy]:
    """Play every plan on the prices by symbol; trades still open at their end are left out."""
    return [_play(plan, prices) for plan in PLANS]


def _play(plan: Plan, prices: Mapping[str, pd.DataFrame]) -> DemoStrategy:
    played = [
        play(frame, plan.setup(frame), plan.max_days).assign(symbol=symbol)
        for symbol, frame in prices.items()
    ]
    trades = pd.concat(played).sort_values(["decided_at", "symbol"], ignore_index=True)
    trades = trades.tail(plan.newest or len(trades)).reset_index(drop=True)
    names = plan.name + " " + trades["symbol"] + " " + trades["decided_at"].dt.strftime("%Y-%m-%d")
    trades.insert(0, "trade_id", [str(uuid5(NAMESPACE_OID, name)) for name in names])
    return DemoStrategy(
        plan.name, plan.enabled, trades, _first_trained_at(plan, trades), plan.reports
    )


def _first_trained_at(plan: Plan, trades: pd.DataFrame) -> datetime | None:
    """An hour before the close at which the first of the later trades was decided."""
    if plan.since_first is None:
        return None
    decided_at: pd.Timestamp = trades["decided_at"].iloc[-plan.since_first]
    return decided_at.to_pydatetime() - timedelta(hours=1)


def _crosses(line: pd.Series) -> pd.Series:
    """+1 on the day a line comes above zero, -1 on the day it falls back."""
    above = line > 0
    before = above.shift(fill_value=False)
    return _side(above & ~before, before & ~above)


def _side(long: pd.Series, short: pd.Series) -> pd.Series:
    return long.astype(int) - short.astype(int)


def _on_chart(
    prices: pd.DataFrame,
    side: pd.Series,
    target_days: int,
    stop_days: int,
    target_room: float = 0.0,
) -> Setup:
    """Target at the extreme of `target_days` and `target_room` ATR beyond it, stop a quarter ATR
    behind the extreme of `stop_days`."""
    unit = side * atr(prices)
    target = highest(prices, target_days).where(side > 0, lowest(prices, target_days))
    stop = lowest(prices, stop_days).where(side > 0, highest(prices, stop_days))
    return Setup(side, target + target_room * unit, stop - 0.25 * unit)
