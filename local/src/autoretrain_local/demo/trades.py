"""Owns what comes of an entry: the exit that later prices give, the result, and the features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from autoretrain_local.demo.market import atr, highest, lowest, macd_histogram, mean, rsi
from autoretrain_local.trade_row import FEATURE_PREFIX

FEE_PCT = 0.05
"""Cost of entry and exit together, in percent of the entry price."""

WARM_UP_DAYS = 250
"""No trade before the slowest indicator has seen a year."""

NEAREST_TARGET_ATR = 0.2
"""A target closer than this is not worth the fee: no trade."""


@dataclass(frozen=True, eq=False)
class Setup:
    """Every close as a possible entry: `side` +1, -1 or 0 for none, target and stop in prices."""

    side: pd.Series
    target: pd.Series
    stop: pd.Series


def play(prices: pd.DataFrame, setup: Setup, max_days: int) -> pd.DataFrame:
    """The setup's closed trades, one open at a time, entered at the close.

    A trade leaves at its stop, its target, or the close of the `max_days`-th trading day after
    the entry. The columns: side, decided_at, closed_at, pnl_pct (net of FEE_PCT), win, f_*.
    """
    entries, exits, exit_prices = _walk(prices, setup, max_days)
    side = setup.side.iloc[entries].to_numpy()
    entry_prices = prices["close"].iloc[entries].to_numpy()
    pnl_pct = 100 * side * (np.array(exit_prices) / entry_prices - 1) - FEE_PCT
    trades = pd.DataFrame(
        {
            "side": np.where(side > 0, "long", "short"),
            "decided_at": prices.index[entries],
            "closed_at": prices.index[exits],
            "pnl_pct": pnl_pct,
            "win": pnl_pct > 0,
        }
    )
    features = _features(prices, setup).iloc[entries].reset_index(drop=True)
    return trades.join(features.add_prefix(FEATURE_PREFIX))


def _walk(
    prices: pd.DataFrame, setup: Setup, max_days: int
) -> tuple[list[int], list[int], list[float]]:
    """Rows of entries and exits, and the exits' prices; a trade still open ends the walk."""
    long = prices[["high", "low", "close"]].to_numpy()
    short = -long[:, [1, 0, 2]]
    side, target, stop = (part.to_numpy() for part in (setup.side, setup.target, setup.stop))
    entries, exits, exit_prices = [], [], []
    free = WARM_UP_DAYS
    for entry in np.flatnonzero(_worth_taking(prices, setup)).tolist():
        if entry < free:
            continue
        sign = side[entry]
        later = (long if sign > 0 else short)[entry + 1 : entry + 1 + max_days]
        left = _exit(later, sign * target[entry], sign * stop[entry], max_days)
        if left is None:
            break
        days, price = left
        free = entry + days
        entries.append(entry)
        exits.append(free)
        exit_prices.append(sign * price)
    return entries, exits, exit_prices


def _worth_taking(prices: pd.DataFrame, setup: Setup) -> pd.Series:
    reward = setup.side * (setup.target - prices["close"])
    risk = setup.side * (prices["close"] - setup.stop)
    return (setup.side != 0) & (reward >= NEAREST_TARGET_ATR * atr(prices)) & (risk > 0)


def _exit(later: np.ndarray, target: float, stop: float, max_days: int) -> tuple[int, float] | None:
    """Days until a long trade ends and its price then; a short one is a long one upside down.

    The stop comes first when a day touches both. A gap fills at that day's nearest price.
    """
    for days, (high, low, _) in enumerate(later.tolist(), start=1):
        if low <= stop:
            return days, min(stop, high)
        if high >= target:
            return days, max(target, low)
    return (max_days, float(later[-1, 2])) if len(later) == max_days else None


def _features(prices: pd.DataFrame, setup: Setup) -> pd.DataFrame:
    """What is known at the close, planned target and stop included, in units that compare over
    the years: distances in ATR, changes in percent."""
    close, unit = prices["close"], atr(prices)
    target_atr = (setup.target - close).abs() / unit
    stop_atr = (close - setup.stop).abs() / unit
    return pd.DataFrame(
        {
            "target_atr": target_atr,
            "stop_atr": stop_atr,
            "reward_to_risk": target_atr / stop_atr,
            "atr_pct": 100 * unit / close,
            "volatility_20_pct": 100 * close.pct_change().rolling(20).std(),
            "rsi_2": rsi(close, 2),
            "rsi_14": rsi(close, 14),
            "macd_histogram_atr": macd_histogram(close) / unit,
            "below_high_20_atr": (highest(prices, 20) - close) / unit,
            "above_low_20_atr": (close - lowest(prices, 20)) / unit,
            "return_5_pct": 100 * close.pct_change(5),
            "trend_50_pct": 100 * (close / mean(close, 50) - 1),
            "trend_200_pct": 100 * (close / mean(close, 200) - 1),
            "day_of_week": pd.DatetimeIndex(prices.index).day_of_week,
        }
    )
