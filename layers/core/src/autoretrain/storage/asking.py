"""The books as somebody needs them who asks for a training of a strategy of theirs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from autoretrain.domain.models import Snapshot
from autoretrain.domain.runs import Ending, Loss, Status
from autoretrain.domain.work import Claimed, ClaimRequest, Idempotency, NotClaimed
from autoretrain.errors import Conflict, TooManyRuns, Unknown
from autoretrain.storage.checking import CheckBooks, read_snapshots
from autoretrain.storage.claims import claim, live_run
from autoretrain.storage.database import Transaction
from autoretrain.storage.endings import end_attempt, live_runs
from autoretrain.storage.features import refuse_unknown_weights
from autoretrain.storage.locking import enrolled_strategy, own_strategy

NEXT_TRY_SECONDS = 600


class AskBooks(CheckBooks):
    """See `ports.Asking`."""

    def snapshot(self, user_id: UUID, strategy_id: UUID, as_of: datetime) -> Snapshot:
        def work(tx: Transaction) -> Snapshot:
            enrolled_strategy(tx, user_id, strategy_id)
            snapshots = read_snapshots(tx, [strategy_id], as_of)
            if not snapshots:
                raise Unknown("strategy")
            return snapshots[0]

        return self._database.transaction(work)

    def live_run(self, user_id: UUID, strategy_id: UUID) -> NotClaimed | None:
        def work(tx: Transaction) -> NotClaimed | None:
            own_strategy(tx, user_id, strategy_id)
            return live_run(tx, strategy_id)

        return self._database.transaction(work)

    def free_lost_run(self, user_id: UUID, strategy_id: UUID) -> None:
        def work(tx: Transaction) -> None:
            own_strategy(tx, user_id, strategy_id)
            for run in live_runs(tx.all("lost_run", strategy_id=strategy_id)):
                message = f"no sign of life from the trainer ({run.task_arn})"
                end_attempt(tx, run, Ending(Loss.LOST, message=message), expired_only=True)

        self._database.transaction(work)

    def repeated(self, user_id: UUID, idempotency: Idempotency) -> tuple[UUID, str] | None:
        made = self._database.transaction(lambda tx: _repeated(tx, user_id, idempotency))
        return (made.id, made.reason) if made is not None else None

    def claim_within(self, request: ClaimRequest, runs_per_hour: int) -> Claimed | NotClaimed:
        run_id = uuid4()

        def work(tx: Transaction) -> Claimed | NotClaimed:
            enrolled_strategy(tx, request.user_id, request.strategy_id)
            tx.run("lock_caller", user_id=request.user_id)
            if request.idempotency is not None:
                made = _repeated(tx, request.user_id, request.idempotency)
                if made is not None:
                    return Claimed(made.id)
            refuse_unknown_weights(tx, request.strategy_id, request.feature_weights)
            claimed = claim(tx, request, run_id)
            if isinstance(claimed, Claimed):
                _refuse_too_many(tx, request.user_id, runs_per_hour)
            _remember(tx, request, claimed)
            return claimed

        return self._database.transaction(work)

    def status(self, user_id: UUID, run_id: UUID) -> Status:
        row = self._database.transaction(
            lambda tx: tx.one("own_run", run_id=run_id, user_id=user_id)
        )
        if row is None:
            raise Unknown("run")
        return Status(row.status)


def _repeated(tx: Transaction, user_id: UUID, idempotency: Idempotency) -> Any | None:
    """The run (id, reason) that the very same request was given before. Raises Conflict."""
    made = tx.one("repeated_run", user_id=user_id, key=idempotency.key)
    if made is not None and made.request_hash != idempotency.request_hash:
        raise Conflict(
            "idempotency_conflict",
            "this Idempotency-Key was used for another request: give each request its own",
        )
    return made


def _refuse_too_many(tx: Transaction, user_id: UUID, runs_per_hour: int) -> None:
    """Count with the run that has just been claimed; what is raised undoes it."""
    asked = tx.one("runs_within_an_hour", user_id=user_id)
    if asked is not None and asked.runs > runs_per_hour:
        raise TooManyRuns(
            f"{runs_per_hour} trainings within an hour are all that one caller may ask for: try"
            " again later, or raise RunsPerHour",
            NEXT_TRY_SECONDS,
        )


def _remember(tx: Transaction, request: ClaimRequest, claimed: Claimed | NotClaimed) -> None:
    """A key stands for the run that its request was answered with, made for it or not."""
    run_id = claimed.run_id if isinstance(claimed, Claimed) else claimed.live_run
    if request.idempotency is None or run_id is None:
        return
    tx.run("forget_old_keys", user_id=request.user_id)
    tx.run(
        "remember_key",
        user_id=request.user_id,
        key=request.idempotency.key,
        request_hash=request.idempotency.request_hash,
        run_id=run_id,
    )
