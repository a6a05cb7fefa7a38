"""The one lock: a strategy's row, and a run of it as it stands while that row is held; and whose
strategy it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from autoretrain.domain.runs import Status
from autoretrain.errors import RunCancelled, RunTaken, Unknown
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


def raise_taken(tx: Transaction, run_id: UUID) -> NoReturn:
    """Raises RunCancelled or RunTaken, for a run that this attempt does not hold any more."""
    run = tx.one("run_under_lock", run_id=run_id)
    if run is not None and run.status == Status.CANCELLED:
        raise RunCancelled
    raise RunTaken


def own_strategy(tx: Transaction, user_id: UUID, strategy_id: UUID) -> None:
    """Make sure that the strategy is the caller's. Raises Unknown."""
    if tx.one("own_strategy", user_id=user_id, strategy_id=strategy_id) is None:
        raise Unknown("strategy")


def enrolled_strategy(tx: Transaction, user_id: UUID, strategy_id: UUID) -> None:
    """The same, and that it has a row in our books to lock. Raises Unknown."""
    own_strategy(tx, user_id, strategy_id)
    tx.run("enrol_strategy", user_id=user_id, strategy_id=strategy_id)
