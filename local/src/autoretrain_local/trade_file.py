"""Owns the CSV format of trades: finds the rows of a file, and which lines each stands on."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autoretrain.errors import DataError
from autoretrain_local.trade_row import NEEDED_COLUMNS, Rows, Trade, Unreadable, is_used

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP = b"\x1f\x8b"


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
    features: Sequence[str]
    ignored_columns: Sequence[str]
    infinite_values: int


def read_trades(
    path: Path, now: datetime | None, progress: Callable[[int], object] = lambda _: None
) -> TradeFile:
    """Read the whole file, and tell `progress` of every so many bytes of it.

    A trade that closed later than `now` is a bad row. Without `now` every row that can be read is a
    trade as it stands, whether its cells agree or not.

    Raises DataError where the file as a whole cannot be read: not CSV, or without a needed column.
    """
    with _readable(), io.BufferedReader(_Watched(path, progress)) as source:
        records = _records(_lines(source))
        rows = Rows(_header(records), now)
        trades: list[Trade] = []
        bad: list[BadRow] = []
        for record in records:
            try:
                trades.append(_trade(rows, record))
            except Unreadable as exc:
                bad.append(BadRow(record.first_line, record.last_line, str(exc)))
    return TradeFile(trades, bad, rows.features, rows.ignored, rows.infinite_values)


def _trade(rows: Rows, record: _Record) -> Trade:
    if record.problem is not None:
        raise Unreadable(record.problem)
    return rows.trade(record.cells, record.first_line)


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
    used = [name for name in header.cells if is_used(name)]
    twice = sorted({name for name in used if used.count(name) > 1})
    if twice:
        raise _refused(f"the header names twice: {', '.join(twice)}")
    return header.cells
