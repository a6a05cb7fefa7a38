"""Reads how features have moved, for the strategies that want to know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from autoretrain.domain.drift import NEWEST_TRADES, Spread
from autoretrain.storage.database import Transaction


def feature_spreads(
    tx: Transaction, strategy_ids: Sequence[UUID], as_of: datetime
) -> dict[UUID, tuple[Spread, ...]]:
    """One query for all; a strategy whose champion has no reference is left out."""
    rows = tx.all(
        "feature_spreads",
        strategy_ids=list(strategy_ids),
        as_of=as_of,
        newest_trades=NEWEST_TRADES,
    )
    return {
        strategy_id: tuple(Spread(row.feature, row.fitted, row.newest) for row in own)
        for strategy_id, own in groupby(rows, attrgetter("strategy_id"))
    }
