"""Owns the trades that a training learns from: their order, their hash, and which are dropped."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from autoretrain.errors import DataError
from autoretrain.ports import TradeReader
from autoretrain_trainer.copy_stream import CopyStream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TRADE_FIELDS = (
    "id",
    "decided_at",
    "closed_at",
    "pnl_pct",
    "win",
    "side",
    "executed",
    "symbol",
    "win_probability",
)
_CHECKED_FIELDS = ("id", "decided_at", "closed_at", "pnl_pct", "win", "side")
MAX_BAD_SHARE = 0.2
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Usable closed trades, ordered by (decided_at, closed_at, id); one array element per trade.

    Times are microseconds since 2000-01-01 UTC. `side` is +1, -1, or NaN where it is missing;
    `symbol` is a position in `symbols`, -1 where there is none. `win_probability` is what the model
    of then has told the bot, NaN where there was none or that is unknown; nothing learns from it.
    `values` has one column per name in `features`, NaN where a value is missing or no JSON number:
    text, true and false are none.
    `dropped` counts the bad rows by reason; `data_hash` covers them too, and which they are.
    """

    decided_at: Ints
    closed_at: Ints
    pnl_pct: Floats
    win: Bools
    executed: Bools
    side: Floats
    symbol: Ints
    win_probability: Floats
    values: Floats
    features: tuple[str, ...]
    symbols: tuple[str, ...]
    dropped: Mapping[str, int]
    data_hash: str
    as_of: datetime

    def __len__(self) -> int:
        return len(self.win)

    @property
    def wins(self) -> int:
        return int(self.win.sum())

    @property
    def last_closed_at(self) -> int:
        return int(np.max(self.closed_at))

    def newest(self, rows: int) -> Trades:
        """The last decided ones, all where they are fewer; no array is copied."""
        return self if len(self) <= rows else self.only(slice(-rows, None))

    def only(self, chosen: Bools | slice) -> Trades:
        """The trades where `chosen` is true, or in that slice."""
        kept = {item.name: getattr(self, item.name) for item in fields(self)}
        arrays = {
            name: value[chosen] for name, value in kept.items() if isinstance(value, np.ndarray)
        }
        return Trades(**(kept | arrays))


def load_trades(reader: TradeReader, features: Sequence[str], newest: int) -> Trades:
    """Stream the reader's rows, at most `newest`. Raises DataError when too many are bad."""
    features = sorted(features)
    symbols = sorted(reader.symbols())
    stream = CopyStream(len(TRADE_FIELDS) + len(features), newest)
    with io.BufferedWriter(stream, _CHUNK_BYTES) as sink:
        reader.copy(features, symbols, sink)
    return _usable(stream.values(), tuple(features), tuple(symbols), reader.as_of)


def rows_to_read(min_trades: int, long_memory: int) -> int:
    """How many of the newest rows hold `min_trades` usable ones whenever a training may go on."""
    return max(long_memory, math.ceil(min_trades / (1 - MAX_BAD_SHARE)))


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 2000-01-01 UTC of an aware datetime."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_datetime(microseconds: int) -> datetime:
    """The aware datetime of microseconds since 2000-01-01 UTC."""
    return _EPOCH + timedelta(microseconds=int(microseconds))


def _usable(
    columns: Ints, features: tuple[str, ...], symbols: tuple[str, ...], as_of: datetime
) -> Trades:
    names = dict(zip(TRADE_FIELDS, range(len(TRADE_FIELDS)), strict=True))
    order = _order(*(columns[names[key]] for key in ("decided_at", "closed_at", "id")))
    trade = {name: columns[names[name]][order] for name in _CHECKED_FIELDS}
    dropped, keep = _bad_rows(trade, as_of)
    data_hash = _arrange(columns, order, keep, [features, symbols])
    kept = dict(zip(TRADE_FIELDS, columns[: len(TRADE_FIELDS), : keep.sum()], strict=True))
    pnl_pct = kept["pnl_pct"].view(np.float64)
    return Trades(
        decided_at=kept["decided_at"],
        closed_at=kept["closed_at"],
        pnl_pct=pnl_pct,
        win=pnl_pct > 0,
        # NaN, the column is missing, counts as executed.
        executed=kept["executed"].view(np.float64) != 0,
        side=kept["side"].view(np.float64),
        symbol=kept["symbol"],
        win_probability=kept["win_probability"].view(np.float64),
        values=columns[len(TRADE_FIELDS) :, : keep.sum()].view(np.float64).T,
        features=features,
        symbols=symbols,
        dropped=dropped,
        data_hash=data_hash,
        as_of=as_of,
    )


def _order(decided_at: Ints, closed_at: Ints, identity: Ints) -> Ints | slice:
    if (decided_at[1:] > decided_at[:-1]).all():
        # They came in order, with no ties: sorting a long memory takes as long as reading it.
        return slice(None)
    return np.lexsort([identity, closed_at, decided_at])


def _bad_rows(trade: Mapping[str, Ints], as_of: datetime) -> tuple[dict[str, int], Bools]:
    """Counts by the first reason that a row is bad for, and which rows are good."""
    pnl_pct, win, side = (trade[name].view(np.float64) for name in ("pnl_pct", "win", "side"))
    reasons: dict[str, Bools] = {
        "no outcome": ~np.isfinite(pnl_pct),
        "duplicate": _repeated(trade["id"]),
        "closed before decided": trade["closed_at"] < trade["decided_at"],
        "closed in the future": trade["closed_at"] > to_microseconds(as_of),
        "win disagrees with pnl_pct": ~np.isnan(win) & ((win > 0) != (pnl_pct > 0)),
        "unknown side": np.isinf(side),
    }
    good = np.ones(len(pnl_pct), dtype=np.bool_)
    dropped = {}
    for reason, bad in reasons.items():
        if count := int((bad & good).sum()):
            dropped[reason] = count
        good &= ~bad
    _refuse_too_many(dropped, len(good))
    return dropped, good


def _repeated(identity: Ints) -> Bools:
    """Every trade but the first of those that share an id."""
    ordered = np.sort(identity)
    repeated = np.zeros(len(identity), dtype=np.bool_)
    if (ordered[1:] == ordered[:-1]).any():
        # Hardly ever: to find which they are takes ten times as long as to see that there are any.
        repeated[:] = True
        repeated[np.unique(identity, return_index=True)[1]] = False
    return repeated


def _refuse_too_many(dropped: Mapping[str, int], rows: int) -> None:
    bad = sum(dropped.values())
    if bad > MAX_BAD_SHARE * rows:
        counts = ", ".join(f"{reason}: {count}" for reason, count in dropped.items())
        raise DataError(
            "too_many_bad_rows",
            f"{bad} of {rows} trades cannot be learnt from, more than {MAX_BAD_SHARE:.0%}"
            f" ({counts}). Correct these rows in `trades`, then train again.",
        )


def _arrange(
    columns: Ints, order: Ints | slice, keep: Bools, names: Sequence[Sequence[str]]
) -> str:
    """Sort and drop in place, so that no second matrix is needed; returns the hash of all rows.

    What was dropped is part of it: a row may be bad today, closed in the future, and good tomorrow.
    """
    digest = hashlib.sha256(json.dumps([*names, len(keep)]).encode())
    digest.update(keep)
    in_place = isinstance(order, slice) and bool(keep.all())
    for column in columns:
        arranged = column[order]
        digest.update(arranged)
        if not in_place:
            column[: keep.sum()] = arranged[keep]
    return digest.hexdigest()
