"""Decides by its words whether a feature's name is that of something known only at the exit."""

from __future__ import annotations

import re


def _any_of(phrases: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|_)(?:{'|'.join(phrases.split())})(?=_|$)")


_OF_THE_EXIT = _any_of(
    r"""
    exit exited closed outcome result results label labels r_multiple
    close_(?:at|date|reason|timestamp) close_(?:rate|time|type)$
    hold_(?:time|period|duration|seconds|minutes|hours|days|bars)
    (?:time|seconds|minutes|hours|days|bars|candles)_in_(?:trade|position)
    (?:tp|sl|stop|stop_loss|take_profit)_hit hit_(?:tp|sl|stop|stop_loss|take_profit) stopped_out
    trade_return
    """
)
_OF_THE_RESULT = _any_of(
    r"""
    pnl profit profits profitable roi win won winner loss lost loser
    fee fees commission commissions duration holding held mae mfe excursion
    """
)
_EARLIER_OR_EXPECTED = _any_of(
    r"""
    last prev previous prior recent past history historical rolling since
    expected planned plan target predicted prediction forecast estimate estimated
    prob probability chance odds confidence
    (?:candle|bar|market)_closed closed_(?:candles?|bars?|above|below) (?:cluster|regime)_label
    """
)
_MEASURED_BEFORE = _any_of(
    r"""
    (?:win|loss|hit|fee|commission)_rate (?:win|loss)_ratio profit_factor stop_loss take_profit
    streak consecutive count avg average mean median std sum ema sma z zscore rank percentile lag
    today daily weekly monthly account portfolio equity limit
    (?:candle|session|trend|regime|drawdown|consolidation|squeeze)_duration
    (?:maker|taker|gas)_fee fee_tier
    \d+[a-z]?$
    """
)
"""A number at the end is a window, as in `pnl_20` and `win_rate_7d`."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+(?:[A-Za-z](?![A-Za-z]))?")
_JOINED = re.compile(
    r"""
    (?<![a-z])
    (is|bars|net|gross|total|trade|exit|closed?|hold|pnl|profit|mae|mfe|fee)
    (exit|price|rate|time|date|at|reason|period|timestamp|duration|held
    |win|pnl|profit|profitable|fees?|outcome|result|pct|usdt?|usdc|abs|ratio)
    (?![a-z])
    """,
    re.VERBOSE,
)


def is_exit_only(name: str) -> bool:
    """Whether the name tells of this trade's exit or result, not of earlier or expected ones.

    What an average or a window excuses in a result (`pnl_20`) it does not in an exit
    (`avg_exit_price`, of a trade that was closed in parts).
    """
    phrase = _phrase(name)
    if _EARLIER_OR_EXPECTED.search(phrase):
        return False
    if _OF_THE_EXIT.search(phrase):
        return True
    return bool(_OF_THE_RESULT.search(phrase)) and not _MEASURED_BEFORE.search(phrase)


def _phrase(name: str) -> str:
    """The name's words in small letters: `exitPrice`, `Exit-Price`, `exitprice`: `exit_price`."""
    words = _WORD.findall(re.sub(r"P[n&]L", "Pnl", name))
    return _JOINED.sub(r"\1_\2", "_".join(words).lower())
