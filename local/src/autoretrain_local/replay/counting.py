"""Counts what a condition check wants to know, as the check's SQL counts it in the books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autoretrain.domain.conditions import COUNTED_NEW_TRADES
from autoretrain.domain.degradation import BLOCK_TRADES, NEWEST_TRADES, Calls
from autoretrain.domain.drift import NEWEST_TRADES as MOST_DRIFTING
from autoretrain.domain.drift import Spread
from autoretrain.domain.json import Json
from autoretrain.domain.models import Policy, RecentTrades
from autoretrain_local.replay.log import Log
from autoretrain_local.replay.serving import Said
from autoretrain_trainer.metrics import calls
from autoretrain_trainer.reference import rows_by_bin
from autoretrain_trainer.rows import Floats, Ints

ALWAYS = int(np.iinfo(np.int64).min)


@dataclass(frozen=True, slots=True)
class Counted:
    """The figures of `autoretrain.domain.models.Snapshot` that come from the trades."""

    total_trades: int
    new_trades: int
    recent: RecentTrades


def count(
    log: Log, said: Said, as_of: int, trained_at: int | None, active: str | None, policy: Policy
) -> Counted:
    """Count what had closed by `as_of`; `active` is the version whose predictions count."""
    total = int(np.searchsorted(log.usable_closings, as_of, side="right"))
    since = ALWAYS if trained_at is None else trained_at
    fresh = _newest_since(log, since, as_of, COUNTED_NEW_TRADES)
    recent = fresh[-policy.degradation_window :]
    return Counted(
        total_trades=min(total, policy.min_trades),
        new_trades=len(fresh),
        recent=_recent(log, said, recent, active),
    )


def calls_since(
    log: Log, said: Said, activated_at: int, as_of: int, active: str
) -> tuple[tuple[Calls, ...], ...]:
    """What the version has called since it went live: a block of trades after the other, and in
    each by tenth of win probability."""
    rows = _newest_since(log, activated_at, as_of, NEWEST_TRADES)
    rows = rows[said.by(active, rows)]
    rows = rows[np.lexsort([log.closed_at[rows], log.decided_at[rows]])]
    blocks = (rows[start : start + BLOCK_TRADES] for start in range(0, len(rows), BLOCK_TRADES))
    return tuple(calls(log.pnl_pct[block] > 0, said.probability[block]) for block in blocks)


def spreads_since(log: Log, reference: Json, since: int, as_of: int) -> tuple[Spread, ...]:
    """How the features of the newest trades decided since spread over the reference's bins."""
    rows = _newest_since(log, since, as_of, MOST_DRIFTING)
    return tuple(
        _spread(feature, told, log.values[rows, log.features.index(feature)])
        for feature, told in sorted(reference.items())
    )


def _spread(feature: str, told: Any, values: Floats) -> Spread:
    edges = np.array(told["edges"], dtype=np.float64)
    return Spread(feature, told["rows"], rows_by_bin(values, edges))


def _newest_since(log: Log, moment: int, as_of: int, most: int) -> Ints:
    """Which trades were decided since and have closed, no more than are ever counted."""
    start = int(np.searchsorted(log.decided_at, moment, side="left"))
    end = log.decided_by(as_of)
    closed = log.usable[start:end] & (log.closed_at[start:end] <= as_of)
    return start + np.flatnonzero(closed)[-most:]


def _recent(log: Log, said: Said, rows: Ints, active: str | None) -> RecentTrades:
    won = log.pnl_pct[rows] > 0
    predicted = said.by(active, rows)
    probability = said.probability[rows][predicted]
    return RecentTrades(
        count=len(rows),
        wins=int(won.sum()),
        predicted=len(probability),
        correct=int(((probability >= 0.5) == won[predicted]).sum()),
        mean_confidence=float(np.maximum(probability, 1 - probability).mean())
        if len(probability)
        else None,
    )
