"""Decides which rows of a CSV file are trades, and says of every other row why it is not one."""

from __future__ import annotations

import csv
import gzip
import io
import math
import reprlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autoretrain.errors import DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

NEEDED_COLUMNS = ("trade_id", "symbol", "side", "decided_at", "closed_at", "pnl_pct")
FEATURE_PREFIX = "f_"
_SIDES = {"long", "short", "buy", "sell"}
_MISSING = {"", "nan", "null"}
_WINS = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade; `closed_at` and `pnl_pct` are both None while it is open.

    `features` are finite; the names of missing ones are absent.
    """

    trade_id: str
    symbol: str
    side: str
    decided_at: datetime
    closed_at: datetime | None
    pnl_pct: float | None
    features: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no trade. Lines are those of the file, and the header's is 1."""

    first_line: int
    last_line: int
    reason: str

    def __str__(self) -> str:
        if self.first_line == self.last_line:
            return f"line {self.first_line}: {self.reason}"
        return f"lines {self.first_line}-{self.last_line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class TradeFile:
    """What a file holds: every row that is not blank is a trade or a bad row."""

    trades: Sequence[Trade]
    bad_rows: Sequence[BadRow]
    ignored_columns: Sequence[str]
    infinite_values: int


def read_trades(path: Path, progress: Callable[[int], object] = lambda _: None) -> TradeFile:
    """Read the whole file, and tell `progress` of every so many bytes of it.

    Raises DataError where the file as a whole cannot be read: not CSV, or without a needed column.
    """
    with _readable(), io.BufferedReader(_Watched(path, progress)) as source:
        records = _records(_lines(source))
        rows = _Rows(_header(records))
        trades: list[Trade] = []
        bad: list[BadRow] = []
        for record in records:
            try:
                trades.append(rows.trade(record))
            except _Unreadable as exc:
                bad.append(BadRow(record.first_line, record.last_line, str(exc)))
    return TradeFile(trades, bad, rows.ignored, rows.infinite_values)


class _Watched(io.FileIO):
    """A file that tells how many bytes were read of it."""

    def __init__(self, path: Path, progress: Callable[[int], object]) -> None:
        super().__init__(path)
        self._progress = progress

    def readinto(self, buffer: WriteableBuffer) -> int:
        count = super().readinto(buffer)
        self._progress(count)
        return count


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as exc:
        raise _refused("the file is not text in UTF-8: export it as CSV") from exc
    except (gzip.BadGzipFile, zlib.error, EOFError) as exc:
        raise _refused("the file is damaged gzip: pack it again") from exc


def _refused(message: str) -> DataError:
    return DataError("trade_file", message)


def _lines(source: io.BufferedReader[_Watched]) -> Iterator[str]:
    plain = gzip.GzipFile(fileobj=source) if source.peek(2)[:2] == _GZIP else source
    with io.TextIOWrapper(plain, encoding="utf-8-sig", newline="") as text:
        for line in text:
            if "\0" in line:
                raise _refused("the file holds NUL characters, as text does not: export it as CSV")
            yield line


@dataclass(frozen=True, slots=True)
class _Record:
    first_line: int
    last_line: int
    cells: Sequence[str]
    problem: str | None = None


def _records(lines: Iterable[str]) -> Iterator[_Record]:
    """Every record that is not blank; one with a `problem` has no cells."""
    reader = csv.reader(lines, strict=True)
    while True:
        first = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as exc:
            yield _Record(first, reader.line_num, (), f"its quotes do not match ({exc})")
            continue
        if any(cells):
            yield _Record(first, reader.line_num, cells)


def _header(records: Iterator[_Record]) -> Sequence[str]:
    header = next(records, None)
    if header is None:
        raise _refused("the file is empty")
    if header.problem is not None:
        raise _refused(f"the header is not CSV: {header.problem}")
    missing = [name for name in NEEDED_COLUMNS if name not in header.cells]
    if missing:
        raise _refused(f"the header lacks: {', '.join(missing)}")
    used = [name for name in header.cells if _is_used(name)]
    twice = sorted({name for name in used if used.count(name) > 1})
    if twice:
        raise _refused(f"the header names twice: {', '.join(twice)}")
    return header.cells


def _is_used(column: str) -> bool:
    return column in NEEDED_COLUMNS or column == "win" or _is_feature(column)


def _is_feature(column: str) -> bool:
    return column.startswith(FEATURE_PREFIX) and column != FEATURE_PREFIX


class _Unreadable(Exception):
    """A row is not a trade, and why."""


class _Rows:
    """Turns records into trades, no two of them with the same id."""

    def __init__(self, header: Sequence[str]) -> None:
        self.ignored = [name or "(no name)" for name in header if not _is_used(name)]
        self.infinite_values = 0
        self._header = header
        self._features = [name for name in header if _is_feature(name)]
        self._line_of: dict[str, int] = {}

    def trade(self, record: _Record) -> Trade:
        """Raises _Unreadable."""
        row = self._row(record)
        trade_id = _text(row, "trade_id")
        if trade_id in self._line_of:
            raise _Unreadable(f"trade_id is already on line {self._line_of[trade_id]}")
        decided_at, closed_at, pnl_pct = _outcome(row)
        values = [(name, _number(row, name)) for name in self._features]
        finite = {
            name.removeprefix(FEATURE_PREFIX): value
            for name, value in values
            if value is not None and math.isfinite(value)
        }
        trade = Trade(
            trade_id, _text(row, "symbol"), _side(row), decided_at, closed_at, pnl_pct, finite
        )
        self._line_of[trade_id] = record.first_line
        self.infinite_values += sum(value is not None for _, value in values) - len(finite)
        return trade

    def _row(self, record: _Record) -> Mapping[str, str]:
        if record.problem is not None:
            raise _Unreadable(record.problem)
        if len(record.cells) != len(self._header):
            raise _Unreadable(f"{len(record.cells)} cells under {len(self._header)} columns")
        return dict(zip(self._header, record.cells, strict=True))


def _outcome(row: Mapping[str, str]) -> tuple[datetime, datetime | None, float | None]:
    """When the trade was decided and closed, and its result, where these agree."""
    decided_at, closed_at = _time(row, "decided_at"), _time(row, "closed_at")
    pnl_pct, win = _number(row, "pnl_pct"), _win(row)
    if decided_at is None:
        raise _Unreadable("no decided_at")
    if closed_at is not None and pnl_pct is None:
        raise _Unreadable("closed without pnl_pct")
    if closed_at is None and pnl_pct is not None:
        raise _Unreadable("pnl_pct without closed_at")
    if closed_at is not None and closed_at < decided_at:
        raise _Unreadable("closed before decided")
    if pnl_pct is not None and not math.isfinite(pnl_pct):
        raise _Unreadable("pnl_pct is not finite")
    # A win of an open trade says nothing: (pnl > 0) is false where there is no pnl yet.
    if pnl_pct is not None and win is not None and win != (pnl_pct > 0):
        raise _Unreadable("win disagrees with pnl_pct")
    return decided_at, closed_at, pnl_pct


def _text(row: Mapping[str, str], column: str) -> str:
    text = row[column]
    if text.lower() in _MISSING:
        raise _Unreadable(f"no {column}")
    return text


def _side(row: Mapping[str, str]) -> str:
    side = _text(row, "side").lower()
    if side not in _SIDES:
        raise _Unreadable(f"side {reprlib.repr(side)} is neither long nor short")
    return side


def _win(row: Mapping[str, str]) -> bool | None:
    text = row.get("win", "").lower()
    if text in _MISSING:
        return None
    if text not in _WINS:
        raise _Unreadable(f"win {reprlib.repr(text)} is neither 1 nor 0")
    return _WINS[text]


def _number(row: Mapping[str, str], column: str) -> float | None:
    """None where it is missing; may be infinite."""
    text = row[column]
    if text.lower() in _MISSING:
        return None
    try:
        value = float(text.replace("_", "?"))  # to Python 1_0 is 10
    except ValueError as exc:
        raise _Unreadable(f"{column} {reprlib.repr(text)} is not a number") from exc
    return None if math.isnan(value) else value


def _time(row: Mapping[str, str], column: str) -> datetime | None:
    """None where it is missing; without an offset it is UTC."""
    text = row[column]
    if text.lower() in _MISSING:
        return None
    try:
        return _utc(text)
    except (ValueError, OverflowError) as exc:
        raise _Unreadable(f"{column} {reprlib.repr(text)} is not an ISO 8601 time") from exc


def _utc(text: str) -> datetime:
    if text[4:5] != "-":  # to Python a number of milliseconds may be a day in the year 1612
        raise ValueError(text)
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
