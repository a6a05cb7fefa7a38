"""Reads what champions have called: for the hourly check, and for the gate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from autoretrain.domain.degradation import (
    BLOCK_TRADES,
    NEWEST_TRADES,
    TENTHS,
    Calls,
    Record,
)
from autoretrain.storage.database import Transaction


def champion_records(
    tx: Transaction, strategy_ids: Sequence[UUID], as_of: datetime
) -> dict[UUID, Record]:
    """One query for all; a strategy without a champion of ours is left out."""
    rows = tx.all("champion_record", **asked_records(strategy_ids, as_of))
    return {row.strategy_id: record_of(row) for row in rows}


def asked_records(strategy_ids: Sequence[UUID], as_of: datetime | None) -> dict[str, Any]:
    """The values that a query for records takes; a snapshot without a time is one of now."""
    return {
        "strategy_ids": list(strategy_ids),
        "as_of": as_of,
        "block_trades": BLOCK_TRADES,
        "newest_trades": NEWEST_TRADES,
        "tenths": TENTHS,
    }


def record_of(row: Any) -> Record:
    """An empty one where the strategy has no champion of ours."""
    return Record(_calls(row.judged or ()), tuple(map(_calls, row.live or ())))


def _calls(stored: Sequence[Any]) -> tuple[Calls, ...]:
    return tuple(Calls(*one) for one in stored)
