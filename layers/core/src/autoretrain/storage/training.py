"""The trainer's books: claim, heartbeat, publish. Every write is refused behind the fence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from autoretrain.domain.gate import ActivationMode, Outcome
from autoretrain.domain.models import Assignment, Challenger, Champion, Declined, StoredFile
from autoretrain.domain.runs import MAX_RUNTIME, RUNNING_LEASE, Loss, Status
from autoretrain.domain.work import Progress, Published
from autoretrain.errors import RunTaken
from autoretrain.ports import TradeReader
from autoretrain.storage.database import Database, Transaction
from autoretrain.storage.endings import fail_run, lose_attempt
from autoretrain.storage.locking import raise_taken
from autoretrain.storage.publishing import Publication, finish, hold, succeed
from autoretrain.storage.trades import CopyReader


class TrainBooks:
    """What the trainer reads and writes; see `ports.Training`. `image` is the digest of the one
    that it runs on."""

    def __init__(self, database: Database, image: str | None = None) -> None:
        self._database = database
        self._image = image

    def begin(self, run_id: UUID, task_arn: str | None) -> Assignment | None:
        def work(tx: Transaction) -> Assignment | None:
            assignment = self._begin(tx, run_id, task_arn)
            if assignment is not None:
                # A task that was started for this very run works: so do launches.
                tx.run("launches_work")
            return assignment

        return self._database.transaction(work)

    def begin_next(self, task_arn: str | None) -> Assignment | None:
        def work(tx: Transaction) -> Assignment | None:
            # Whoever looks at the queue, to launch a run or to take it, does so alone.
            tx.run("lock_launches")
            while (waiting := tx.one("next_queued_run")) is not None:
                assignment = self._begin(tx, waiting.id, task_arn)
                if assignment is not None:
                    return assignment
                _fail_orphan(tx, waiting.id)
            return None

        return self._database.transaction(work)

    def refresh(self, assignment: Assignment) -> Assignment:
        row = self._database.transaction(lambda tx: tx.one("assignment", run_id=assignment.run_id))
        # Whoever has the run now is not handed over to whoever had it before.
        if row is None or row.fence != assignment.fence:
            raise RunTaken
        return _assignment(row)

    def heartbeat(self, assignment: Assignment, progress: Progress, seconds: float) -> None:
        def work(tx: Transaction) -> None:
            touched = tx.run(
                "heartbeat",
                run_id=assignment.run_id,
                fence=assignment.fence,
                lease=RUNNING_LEASE,
                max_runtime=MAX_RUNTIME,
                phase=progress.phase,
                round=progress.round,
                rounds=progress.rounds,
                seconds=seconds,
            )
            if not touched:
                raise_taken(tx, assignment.run_id)

        self._database.transaction(work)

    @contextmanager
    def read_trades(self, strategy_id: UUID, as_of: datetime, newest: int) -> Iterator[TradeReader]:
        with self._database.snapshot() as tx:
            yield CopyReader(tx, strategy_id, as_of, newest)

    def reused_rows(self, strategy_id: UUID, rival: str, since: datetime, until: datetime) -> int:
        values = {"strategy_id": strategy_id, "rival": rival, "since": since, "until": until}
        (row,) = self._database.read("reused_rows", **values)
        return int(row.rows)

    def publish(
        self, assignment: Assignment, challenger: Challenger, key: str, now: datetime
    ) -> Published:
        return self._database.transaction(
            lambda tx: Publication(tx, assignment, challenger, key, now).publish()
        )

    def decline(self, assignment: Assignment, declined: Declined) -> Published:
        def work(tx: Transaction) -> Published:
            strategy = hold(tx, assignment).strategy
            # What somebody asked for too early must not use the evidence up.
            if not (assignment.asked_for and declined.outcome is Outcome.INSUFFICIENT_DATA):
                finish(tx, assignment, declined.rows, declined.fingerprint)
            published = Published(
                declined.outcome,
                declined.line,
                previous_version=strategy.champion,
                rows=declined.rows,
            )
            succeed(tx, assignment, declined.rows, published)
            return published

        return self._database.transaction(work)

    def fail(self, assignment: Assignment, code: str, message: str) -> None:
        def work(tx: Transaction) -> None:
            strategy = hold(tx, assignment).strategy
            fail_run(tx, assignment.run_id, strategy, code, message)

        self._database.transaction(work)

    def interrupt(self, assignment: Assignment, message: str) -> Status:
        def work(tx: Transaction) -> Status:
            held = hold(tx, assignment)
            return lose_attempt(tx, assignment.run_id, held, Loss.INTERRUPTED, message)

        return self._database.transaction(work)

    def _begin(self, tx: Transaction, run_id: UUID, task_arn: str | None) -> Assignment | None:
        taken = {"task_arn": task_arn, "image": self._image, "lease": RUNNING_LEASE}
        if tx.one("begin_run", run_id=run_id, **taken) is None:
            return None
        row = tx.one("assignment", run_id=run_id)
        if row is None:
            _fail_orphan(tx, run_id)
            return None
        return _assignment(row)


def _fail_orphan(tx: Transaction, run_id: UUID) -> None:
    """A run that nobody can begin must not stand in the queue for ever."""
    message = "the strategy was deleted while its training waited"
    tx.run("fail_run", run_id=run_id, error_code="strategy_gone", error_message=message)


def _assignment(row: Any) -> Assignment:
    champion = None
    if row.champion_version is not None:
        champion = Champion(
            row.champion_version,
            row.artifact_key,
            row.sha256,
            row.manifest_sha256,
            row.data_cutoff,
            row.champion_created_at,
        )
    memories = None
    if row.memories_key is not None:
        memories = StoredFile(row.memories_key, row.memories_sha256)
    return Assignment(
        run_id=row.run_id,
        strategy_id=row.strategy_id,
        user_id=row.user_id,
        strategy_name=row.strategy_name,
        reason=row.reason,
        fence=row.fence,
        attempt=row.attempt,
        manual=row.manual,
        force=row.force,
        min_trades=row.min_trades,
        feature_weights=row.feature_weights,
        allowed_features=tuple(row.allowed_features),
        champion=champion,
        last_fingerprint=row.last_fingerprint,
        memories=memories,
        activation_mode=ActivationMode(row.activation_mode),
    )
