"""Owns the demo's market: real daily prices moved to end in the last week, and their indicators."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib.metadata import distribution

import pandas as pd

SYMBOLS = {"SP500": "sp500", "NASDAQ": "nasdaq"}
"""The symbols that are traded, and the data set of the arch package that each one is."""

CLOSE = pd.Timedelta(hours=21)
"""The market closes at 20:00 or 21:00 UTC; the later is used all year."""

WEEK = pd.Timedelta(weeks=1)


def load_prices(now: datetime) -> dict[str, pd.DataFrame]:
    """Daily `high`, `low` and `close` by symbol, indexed by the time of the close (UTC).

    The prices of 1999-2018 are moved by one whole number of weeks, so that weekdays stay and the
    last close lies in (now - 7 days, now]. Opens are left out: until 2005 the S&P 500's repeat
    the close before.
    """
    shift = weeks_moved(now) * WEEK
    return {symbol: _read(data_set).shift(freq=shift) for symbol, data_set in SYMBOLS.items()}


def weeks_moved(now: datetime) -> int:
    """By how many weeks the prices are moved."""
    last_close = max(_read(data_set).index[-1] for data_set in SYMBOLS.values())
    return int((pd.Timestamp(now) - last_close) // WEEK)


@cache
def _read(data_set: str) -> pd.DataFrame:
    # Found by its path: importing arch for a file costs seconds of statsmodels.
    path = distribution("arch").locate_file(f"arch/data/{data_set}/{data_set}.csv.gz")
    frame = pd.read_csv(str(path), usecols=["Date", "High", "Low", "Close"])
    closes_at = pd.to_datetime(frame.pop("Date"), format="%m/%d/%Y", utc=True) + CLOSE
    return frame.rename(columns=str.lower).set_index(closes_at.rename("closes_at"))


def rsi(close: pd.Series, days: int) -> pd.Series:
    """Relative strength index, 0..100 (Wilder 1978)."""
    change = close.diff()
    gain, loss = _wilder(change.clip(lower=0), days), _wilder(-change.clip(upper=0), days)
    return 100 * gain / (gain + loss)


def atr(prices: pd.DataFrame, days: int = 14) -> pd.Series:
    """Average true range, in price units (Wilder 1978)."""
    before = prices["close"].shift()
    true_range = prices["high"].clip(lower=before) - prices["low"].clip(upper=before)
    return _wilder(true_range, days)


def macd_histogram(close: pd.Series) -> pd.Series:
    """MACD 12/26 minus its 9-day signal line, in price units (Appel)."""
    macd = _ema(close, 12) - _ema(close, 26)
    return macd - _ema(macd, 9)


def highest(prices: pd.DataFrame, days: int) -> pd.Series:
    return prices["high"].rolling(days).max()


def lowest(prices: pd.DataFrame, days: int) -> pd.Series:
    return prices["low"].rolling(days).min()


def mean(close: pd.Series, days: int) -> pd.Series:
    return close.rolling(days).mean()


def _wilder(values: pd.Series, days: int) -> pd.Series:
    return values.ewm(alpha=1 / days, adjust=False).mean()


def _ema(values: pd.Series, days: int) -> pd.Series:
    return values.ewm(span=days, adjust=False).mean()
