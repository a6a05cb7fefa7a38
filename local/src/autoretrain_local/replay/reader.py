"""Hands the learner the trades of a log that had closed by then, as the books would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from autoretrain_local.replay.log import Log
from autoretrain_trainer.copy_stream import SIGNATURE, TRAILER
from autoretrain_trainer.rows import Ints, to_microseconds

_ROWS_PER_WRITE = 500

Names = tuple[tuple[str, ...], tuple[str, ...]]
"""Features and symbols, in the order that a stream has them in."""


class Encoded:
    """A log's rows as PostgreSQL's binary COPY sends them. The names change a handful of times in
    a log's life, its rows are read at every training: they are encoded once for the same names."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._names: Names | None = None
        self._rows: NDArray[np.void] = np.empty(0, dtype=np.void)

    def rows(self, names: Names) -> NDArray[np.void]:
        """One element per trade of the log."""
        if names != self._names:
            self._names, self._rows = names, _encode(_columns(self._log, names))
        return self._rows


class LogReader:
    """The newest closed trades; see `autoretrain.ports.TradeReader`."""

    def __init__(self, log: Log, encoded: Encoded, as_of: datetime, newest: int) -> None:
        self.as_of = as_of
        self._log = log
        self._encoded = encoded
        self._rows = np.flatnonzero(log.closed_at <= to_microseconds(as_of))[-newest:]

    def features(self) -> list[str]:
        seen = ~np.isnan(self._log.values[self._rows]).all(axis=0)
        return [name for name, there in zip(self._log.features, seen, strict=True) if there]

    def symbols(self) -> list[str]:
        codes = np.unique(self._log.symbol[self._rows])
        return [self._log.symbols[code] for code in codes if code >= 0]

    def copy(self, features: Sequence[str], symbols: Sequence[str], sink: BinaryIO) -> None:
        encoded = self._encoded.rows((tuple(features), tuple(symbols)))
        sink.write(SIGNATURE + bytes(8))
        for start in range(0, len(self._rows), _ROWS_PER_WRITE):
            # As a connection sends them: in one piece they would pass through megabytes of fresh
            # memory, which costs more than what is done with them.
            sink.write(encoded[self._rows[start : start + _ROWS_PER_WRITE]].data)
        sink.write(TRAILER)


def _columns(log: Log, names: Names) -> list[Ints]:
    """Every field of every trade, its bits as an integer."""
    features, symbols = names
    position = {symbol: index for index, symbol in enumerate(symbols)}
    # The last one is what -1, no symbol, finds.
    codes = np.array([*(position.get(symbol, -1) for symbol in log.symbols), -1])
    unknown = np.full(len(log), np.nan)
    trade = [_bits(values) for values in (log.pnl_pct, log.win, log.side, unknown)]
    values = [_bits(log.values[:, log.features.index(name)]) for name in features]
    known = [log.ids, log.decided_at, log.closed_at, *trade, codes[log.symbol], _bits(unknown)]
    return [*known, *values]


def _bits(values: NDArray[Any]) -> Ints:
    return np.ascontiguousarray(values).view(np.int64)


def _encode(columns: Sequence[Ints]) -> NDArray[np.void]:
    fields = [("length", ">i4"), ("value", ">i8")]
    rows = np.empty(len(columns[0]), [("count", ">i2"), ("fields", fields, (len(columns),))])
    rows["count"] = len(columns)
    rows["fields"]["length"] = 8
    for index, column in enumerate(columns):
        rows["fields"]["value"][:, index] = column
    return rows
