"""Owns a strategy's trades as the replay knows them: arrays, and what of them can be seen when."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from autoretrain_local.trade_row import Trade
from autoretrain_trainer.rows import Bools, Floats, Ints, Trades, to_microseconds

NEVER = int(np.iinfo(np.int64).max)
_SIDES = {"long": 1.0, "buy": 1.0, "short": -1.0, "sell": -1.0}
_NO_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Log:
    """A strategy's trades in the order of (decided_at, trade_id descending), so that the newest
    come last in the order that the books have them in.

    Times are microseconds since 2000-01-01 UTC; `closed_at` is `NEVER` while a trade is open.
    `pnl_pct`, `win`, `side` and `values` (one column per feature) are NaN where they are missing;
    `symbol` is a position in `symbols`, -1 for none. `ids` are hashes of the trade ids.
    """

    strategy: str
    trade_ids: Sequence[str]
    ids: Ints
    decided_at: Ints
    closed_at: Ints
    pnl_pct: Floats
    win: Floats
    side: Floats
    symbol: Ints
    values: Floats
    features: tuple[str, ...]
    symbols: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def usable(self) -> Bools:
        """Trades whose outcome counts once they have closed."""
        in_order = (self.closed_at != NEVER) & (self.closed_at >= self.decided_at)
        return np.asarray(in_order & np.isfinite(self.pnl_pct))

    @cached_property
    def closings(self) -> Ints:
        """When trades closed, in order."""
        closed_at = np.sort(self.closed_at)
        return np.asarray(closed_at[closed_at != NEVER])

    @cached_property
    def usable_closings(self) -> Ints:
        return np.sort(self.closed_at[self.usable])

    def decided_by(self, moment: int) -> int:
        """How many trades had been decided at that moment, it included: they come first."""
        return int(np.searchsorted(self.decided_at, moment, side="right"))

    def as_trades(self, start: int, end: int) -> Trades:
        """What a bot knows of these trades when it decides them."""
        count = end - start
        return Trades(
            decided_at=self.decided_at[start:end],
            closed_at=np.full(count, NEVER),
            pnl_pct=np.full(count, np.nan),
            win=np.zeros(count, dtype=np.bool_),
            executed=np.ones(count, dtype=np.bool_),
            side=self.side[start:end],
            symbol=self.symbol[start:end],
            win_probability=np.full(count, np.nan),
            values=self.values[start:end],
            features=self.features,
            symbols=self.symbols,
            dropped={},
            data_hash="",
            as_of=_NO_MOMENT,
        )


def logs_of(trades: Sequence[Trade], features: Sequence[str]) -> dict[str, Log]:
    """One log per strategy, by name."""
    by_strategy: dict[str, list[Trade]] = {}
    for trade in trades:
        by_strategy.setdefault(trade.strategy, []).append(trade)
    return {name: _log(name, of, features) for name, of in sorted(by_strategy.items())}


def _log(strategy: str, trades: list[Trade], features: Sequence[str]) -> Log:
    # Both sorts are stable: the second keeps the order of the first among equal times.
    trades.sort(key=lambda trade: trade.trade_id, reverse=True)
    trades.sort(key=lambda trade: trade.decided_at)
    symbols = tuple(sorted({trade.symbol for trade in trades if trade.symbol}))
    code = {symbol: index for index, symbol in enumerate(symbols)}
    names = tuple(sorted(features))
    return Log(
        strategy=strategy,
        trade_ids=[trade.trade_id for trade in trades],
        ids=np.array([_hashed(trade.trade_id) for trade in trades], dtype=np.int64),
        decided_at=np.array([to_microseconds(trade.decided_at) for trade in trades]),
        closed_at=np.array([_moment(trade.closed_at) for trade in trades]),
        pnl_pct=_floats([trade.pnl_pct for trade in trades]),
        win=_floats([trade.win for trade in trades]),
        side=_floats([_SIDES.get(trade.side) for trade in trades]),
        symbol=np.array([code.get(trade.symbol, -1) for trade in trades], dtype=np.int64),
        values=_floats([[trade.features.get(name) for name in names] for trade in trades]),
        features=names,
        symbols=symbols,
    )


def _hashed(trade_id: str) -> int:
    # Of the id alone: no trade's place among equals hangs on what else the file holds.
    digest = hashlib.blake2b(trade_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _moment(time: datetime | None) -> int:
    return NEVER if time is None else to_microseconds(time)


def _floats(values: Sequence[object]) -> Floats:
    return np.array(values, dtype=np.float64)
