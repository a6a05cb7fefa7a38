"""The books as somebody needs them who asks for a training of a strategy of theirs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from autoretrain.domain.models import Snapshot
from autoretrain.domain.runs import Ending, Loss, Status
from autoretrain.domain.work import Claimed, ClaimRequest, Idempotency, NotClaimed
from autoretrain.errors import Unknown
from autoretrain.storage.books import CheckBooks, live_runs, snapshot_of
from autoretrain.storage.claims import claim, repeated
from autoretrain.storage.database import Transaction
from autoretrain.storage.endings import end_attempt
from autoretrain.storage.locking import own_strategy


class AskBooks(CheckBooks):
    """See `ports.Asking`."""

    def snapshot(self, user_id: UUID, strategy_id: UUID, as_of: datetime) -> Snapshot:
        def work(tx: Transaction) -> Snapshot:
            own_strategy(tx, user_id, strategy_id)
            row = tx.one("snapshots", strategy_ids=[strategy_id], as_of=as_of)
            if row is None:
                raise Unknown("strategy")
            return snapshot_of(row, as_of)

        return self._database.transaction(work)

    def free_lost_run(self, user_id: UUID, strategy_id: UUID) -> None:
        def work(tx: Transaction) -> None:
            own_strategy(tx, user_id, strategy_id)
            for run in live_runs(tx.all("lost_run", strategy_id=strategy_id)):
                message = f"no sign of life from the trainer ({run.task_arn})"
                end_attempt(tx, run, Ending(Loss.LOST, message=message), expired_only=True)

        self._database.transaction(work)

    def repeated(self, user_id: UUID, idempotency: Idempotency) -> tuple[UUID, str] | None:
        made = self._database.transaction(lambda tx: repeated(tx, user_id, idempotency))
        return (made.id, made.reason) if made is not None else None

    def claim_within(self, request: ClaimRequest, runs_per_hour: int) -> Claimed | NotClaimed:
        run_id = uuid4()

        def work(tx: Transaction) -> Claimed | NotClaimed:
            own_strategy(tx, request.user_id, request.strategy_id)
            return claim(tx, request, run_id, runs_per_hour)

        return self._database.transaction(work)

    def status(self, user_id: UUID, run_id: UUID) -> Status:
        row = self._database.transaction(
            lambda tx: tx.one("own_run", run_id=run_id, user_id=user_id)
        )
        if row is None:
            raise Unknown("run")
        return Status(row.status)
