"""Decides whether the cells of one row are a trade, and says why where they are not."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

NEEDED_COLUMNS = ("trade_id", "symbol", "side", "decided_at", "closed_at", "pnl_pct")
FEATURE_PREFIX = "f_"
_SIDES = {"long", "short", "buy", "sell"}
_MISSING = {"", "nan", "null"}
_WINS = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade; `closed_at` and `pnl_pct` are both None while it is open.

    `features` are finite; the names of missing ones are absent. Of a row that is taken as it is,
    either may be None or make no sense, `win` may disagree, `symbol` and `side` may be empty.
    """

    trade_id: str
    symbol: str
    side: str
    decided_at: datetime
    closed_at: datetime | None
    pnl_pct: float | None
    features: Mapping[str, float]
    strategy: str = ""
    win: bool | None = None


def is_used(column: str) -> bool:
    """Whether anything is read from a column of that name."""
    return column in NEEDED_COLUMNS or column == "win" or _is_feature(column)


def _is_feature(column: str) -> bool:
    return column.startswith(FEATURE_PREFIX) and column != FEATURE_PREFIX


class Unreadable(Exception):
    """A row is not a trade, and why."""


class Rows:
    """Turns the rows under a header into trades, no two of them with the same id.

    `features` are the names of the feature columns, without their prefix. Without `now` a row is
    taken as it is, like a bot may have stored it: what it holds need not agree.
    """

    def __init__(self, header: Sequence[str], now: datetime | None) -> None:
        self.features = [name.removeprefix(FEATURE_PREFIX) for name in filter(_is_feature, header)]
        self.ignored = [name or "(no name)" for name in header if not is_used(name)]
        self.infinite_values = 0
        self._header = header
        self._now = now
        self._line_of: dict[str, int] = {}

    def trade(self, cells: Sequence[str], line: int) -> Trade:
        """Raises Unreadable."""
        row = self._row(cells)
        trade_id = _text(row, "trade_id")
        if trade_id in self._line_of:
            raise Unreadable(f"trade_id is already on line {self._line_of[trade_id]}")
        decided_at, closed_at, pnl_pct, win = _outcome(row)
        symbol, side = _text(row, "symbol", self._now is None), _side(row, self._now is None)
        if self._now is not None:
            _refuse_disagreement(decided_at, closed_at, pnl_pct, win, self._now)
            win = None
        values = [(name, _number(row, FEATURE_PREFIX + name)) for name in self.features]
        finite = {
            name: value for name, value in values if value is not None and math.isfinite(value)
        }
        strategy = row.get("strategy", "")
        trade = Trade(trade_id, symbol, side, decided_at, closed_at, pnl_pct, finite, strategy, win)
        self._line_of[trade_id] = line
        self.infinite_values += sum(value is not None for _, value in values) - len(finite)
        return trade

    def _row(self, cells: Sequence[str]) -> Mapping[str, str]:
        if len(cells) != len(self._header):
            raise Unreadable(f"{len(cells)} cells under {len(self._header)} columns")
        return dict(zip(self._header, cells, strict=True))


def _outcome(
    row: Mapping[str, str],
) -> tuple[datetime, datetime | None, float | None, bool | None]:
    """When the trade was decided and closed, its result, and whether it is called a win."""
    decided_at, closed_at = _time(row, "decided_at"), _time(row, "closed_at")
    pnl_pct, win = _number(row, "pnl_pct"), _win(row)
    if decided_at is None:
        raise Unreadable("no decided_at")
    return decided_at, closed_at, pnl_pct, win


def _refuse_disagreement(
    decided_at: datetime,
    closed_at: datetime | None,
    pnl_pct: float | None,
    win: bool | None,
    now: datetime,
) -> None:
    if closed_at is not None and pnl_pct is None:
        raise Unreadable("closed without pnl_pct")
    if closed_at is None and pnl_pct is not None:
        raise Unreadable("pnl_pct without closed_at")
    if closed_at is not None and closed_at < decided_at:
        raise Unreadable("closed before decided")
    if closed_at is not None and closed_at > now:
        raise Unreadable("closed in the future")
    if pnl_pct is not None and not math.isfinite(pnl_pct):
        raise Unreadable("pnl_pct is not finite")
    # A win of an open trade says nothing: (pnl > 0) is false where there is no pnl yet.
    if pnl_pct is not None and win is not None and win != (pnl_pct > 0):
        raise Unreadable("win disagrees with pnl_pct")


def _text(row: Mapping[str, str], column: str, may_lack: bool = False) -> str:
    text = row[column]
    if text.lower() not in _MISSING:
        return text
    if may_lack:
        return ""
    raise Unreadable(f"no {column}")


def _side(row: Mapping[str, str], may_lack: bool) -> str:
    side = _text(row, "side", may_lack).lower()
    if side and side not in _SIDES:
        raise Unreadable(f"side {reprlib.repr(side)} is neither long nor short")
    return side


def _win(row: Mapping[str, str]) -> bool | None:
    text = row.get("win", "").lower()
    if text in _MISSING:
        return None
    if text not in _WINS:
        raise Unreadable(f"win {reprlib.repr(text)} is neither 1 nor 0")
    return _WINS[text]


def _number(row: Mapping[str, str], column: str) -> float | None:
    """None where it is missing; may be infinite."""
    text = row[column]
    if text.lower() in _MISSING:
        return None
    try:
        value = float(text.replace("_", "?"))  # to Python 1_0 is 10
    except ValueError as exc:
        raise Unreadable(f"{column} {reprlib.repr(text)} is not a number") from exc
    return None if math.isnan(value) else value


def _time(row: Mapping[str, str], column: str) -> datetime | None:
    """None where it is missing; without an offset it is UTC."""
    text = row[column]
    if text.lower() in _MISSING:
        return None
    try:
        return _utc(text)
    except (ValueError, OverflowError) as exc:
        raise Unreadable(f"{column} {reprlib.repr(text)} is not an ISO 8601 time") from exc


def _utc(text: str) -> datetime:
    if text[4:5] != "-":  # to Python a number of milliseconds may be a day in the year 1612
        raise ValueError(text)
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
