"""The launcher's books: which run may have a task, and what came of asking for one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from autoretrain.domain.runs import STARTING_LEASE, Status
from autoretrain.domain.work import Launch, NotLaunched
from autoretrain.storage.database import Database, Transaction
from autoretrain.storage.endings import refuse_launch, requeue_run
from autoretrain.storage.locking import hold_attempt

UNAVAILABLE = "launch_unavailable"


class LaunchBooks:
    """What the launcher reads and writes; see `ports.Launching`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve_launch(self, run_id: UUID, max_concurrent_tasks: int) -> Launch | NotLaunched:
        return self._database.transaction(lambda tx: _reserve(tx, run_id, max_concurrent_tasks))

    def record_task(self, launch: Launch, task_arn: str) -> None:
        def work(tx: Transaction) -> None:
            tx.run("record_task", run_id=launch.run_id, fence=launch.fence, task_arn=task_arn)
            tx.run("launch_was_taken")

        self._database.transaction(work)

    def launch_unavailable(self, launch: Launch, message: str) -> None:
        def work(tx: Transaction) -> None:
            strategy = _still_starting(tx, launch)
            if strategy is not None:
                requeue_run(tx, launch.run_id, strategy, UNAVAILABLE, message, losses=0)
            tx.run("launch_was_refused", at_once=False, reason=message)

        self._database.transaction(work)

    def launch_refused(self, launch: Launch, message: str) -> None:
        def work(tx: Transaction) -> None:
            if _still_starting(tx, launch) is not None:
                refuse_launch(tx, launch.run_id, launch.strategy_id, message)
            else:
                tx.run("launch_was_refused", at_once=True, reason=message)

        self._database.transaction(work)


def _reserve(tx: Transaction, run_id: UUID, max_concurrent_tasks: int) -> Launch | NotLaunched:
    tx.run("lock_launches")
    tx.run("note_limit", max_tasks=max_concurrent_tasks)
    tasks, control = tx.one("busy_tasks", run_id=run_id), tx.one("launch_control")
    if tasks is None or not tasks.queued:
        return NotLaunched("the run is not queued any more", moved_on=True)
    if tasks.busy >= max_concurrent_tasks:
        return NotLaunched("no task is free now")
    reason = control.stopped_reason if control is not None else None
    if control is not None and reason is not None and not control.probe_due:
        return NotLaunched(f"launches are stopped: {reason}", stopped=True)
    row = tx.one("start_run", run_id=run_id, lease=STARTING_LEASE)
    if row is None:
        return NotLaunched("the run is not queued any more", moved_on=True)
    if reason is not None:
        tx.run("note_probe")
    return Launch(*row)


def _still_starting(tx: Transaction, launch: Launch) -> Any | None:
    """The strategy's locked row, None when the run has moved on: an answer that says no may come
    after an earlier, lost one that said yes, and that trainer may be done by now."""
    held = hold_attempt(tx, launch.strategy_id, launch.run_id, launch.fence)
    if held is None or held.run.status != Status.STARTING:
        return None
    return held.strategy
