"""Decides by its words whether a feature's name is that of something known only at the exit."""

from __future__ import annotations

import re


def _any_of(phrases: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|_)(?:{'|'.join(phrases.split())})(?=_|$)")


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_EXIT = _any_of(
    r"""
    exit exited stopped_out
    ^(?:trade_|position_)?(?:closed|closed?_time|closed?_rate)$
    ^(?:trade_|position_)?closed?_(?:at|date|reason|timestamp)
    (?:time|seconds|minutes|hours|days|bars|candles)_in_(?:trade|position)
    (?:tp|sl|stop|stop_loss|take_profit|target)_(?:hit|reached)
    hit_(?:tp|sl|stop|stop_loss|take_profit|target)
    """
)
_RESULT = _any_of("pnl roi r_multiple outcome mae mfe excursion max_profit trade_return")
_RESULT_IF_ALONE = _words(
    """
    profit profits profitable win won winner loss lost loser result results label labels
    duration hold held holding fee fees commission commissions
    """
)
_BESIDE = _words(
    """
    trade position close total net gross is
    pct percent abs ratio usd usdt usdc eur bps pips
    time period ms seconds sec minutes min hours days bars candles
    """
)
"""With nothing but these beside it, a word is of this trade: `fee_usd`, not `funding_fee`."""

_EARLIER = _any_of("last prev previous prior recent past history historical rolling since(?!_open)")
_PLANNED = _any_of(
    r"""
    expected planned plan target(?!_hit|_reached) limit predicted prediction forecast
    estimate estimated prob probability chance odds confidence
    """
)
_CAME_TRUE = _any_of("realized realised actual")
_OF_MANY = _any_of(
    r"""
    avg average mean median std sum ema sma streak consecutive count
    today daily weekly monthly account portfolio equity open_positions?
    (?:win|loss)_(?:rate|ratio|pct|percent)
    (?:pnl|roi|profit|win|loss)(?:_[a-z]+)?_(?:[3-9]|\d\d+)[a-z]?$
    """
)
"""From 3 up, a number at the end is a window of earlier trades or days: `pnl_20`, `pnl_7d`."""

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
    """Whether the name tells of this trade's exit or result, not of earlier or planned ones.

    An average is of many trades in a result (`avg_pnl`), but of one that was closed in parts in
    an exit (`avg_exit_price`).
    """
    phrase = _phrase(name)
    if re.search("since_entry(?:_|$)", phrase):
        return True
    came_true = bool(_CAME_TRUE.search(phrase))
    if _EARLIER.search(phrase) or (_PLANNED.search(phrase) and not came_true):
        return False
    if _EXIT.search(phrase):
        return True
    return _is_result(phrase, came_true) and not _OF_MANY.search(phrase)


def _is_result(phrase: str, came_true: bool) -> bool:
    words = {word for word in phrase.split("_") if not word[:1].isdigit()}
    alone = came_true or words <= _RESULT_IF_ALONE | _BESIDE
    return bool(_RESULT.search(phrase)) or (alone and not words.isdisjoint(_RESULT_IF_ALONE))


def _phrase(name: str) -> str:
    """The name's words in small letters: `exitPrice`, `Exit-Price`, `exitprice`: `exit_price`."""
    words = _WORD.findall(re.sub(r"P[n&]L", "Pnl", name))
    return _JOINED.sub(r"\1_\2", "_".join(words).lower())
