"""The one lock: a strategy's row, and a run of it as it stands while that row is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from autoretrain.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Held:
    """Both rows; nobody changes them before the transaction ends."""

    strategy: Any
    run: Any


def hold_attempt(tx: Transaction, strategy_id: UUID, run_id: UUID, fence: int) -> Held | None:
    """Lock the strategy's row; None when the run's fence has moved on."""
    strategy = tx.one("lock_strategy", strategy_id=strategy_id)
    run = tx.one("run_under_lock", run_id=run_id)
    if strategy is None or run is None or run.fence != fence:
        return None
    return Held(strategy, run)
