"""How an attempt ends when its trainer did not publish: queued again, or failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg2.extras import Json as Jsonb

from autoretrain.domain.json import Json
from autoretrain.domain.notifications import Topic
from autoretrain.domain.runs import (
    MAX_LOSSES_IN_A_ROW,
    TRAINER_EXIT,
    Ending,
    Loss,
    Status,
    back_off,
)
from autoretrain.domain.work import LiveRun
from autoretrain.storage.database import Database, Transaction
from autoretrain.storage.locking import Held, hold_attempt

LAUNCH_CONFIG = "launch_config"
TAKEN = (Status.STARTING, Status.RUNNING)


class EndingBooks:
    """What dispatcher and task_stopped have in common: both end attempts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def end_attempt(self, run: LiveRun, ending: Ending, *, expired_only: bool) -> Status | None:
        return self._database.transaction(
            lambda tx: end_attempt(tx, run, ending, expired_only=expired_only)
        )


def live_runs(rows: Sequence[Any]) -> list[LiveRun]:
    return [
        LiveRun(
            row.run_id,
            row.strategy_id,
            row.attempt,
            row.fence,
            Status(row.status),
            row.task_arn,
            overdue=getattr(row, "overdue", False),
        )
        for row in rows
    ]


def end_attempt(
    tx: Transaction, run: LiveRun, ending: Ending, *, expired_only: bool
) -> Status | None:
    """End the attempt that `run` describes, unless the run has moved on since."""
    held = hold_attempt(tx, run.strategy_id, run.run_id, run.fence)
    if held is None or held.run.status not in TAKEN:
        return None
    if expired_only and not held.run.expired:
        return None
    if ending.loss is not None:
        return lose_attempt(tx, run.run_id, held, ending.loss, ending.message)
    # A trainer that never began has not touched the strategy: its image or its settings are bad.
    if ending.blames_deployment or (
        held.run.status == Status.STARTING and ending.error_code == TRAINER_EXIT
    ):
        refuse_launch(tx, run.run_id, run.strategy_id, ending.message)
    else:
        fail_run(tx, run.run_id, held.strategy, ending.error_code or TRAINER_EXIT, ending.message)
    return Status.FAILED


def lose_attempt(tx: Transaction, run_id: UUID, held: Held, loss: Loss, message: str) -> Status:
    """Queue the run again; the third loss in a row counts as the strategy's failure."""
    if held.run.losses_in_a_row + 1 < MAX_LOSSES_IN_A_ROW:
        requeue_run(tx, run_id, held.strategy, loss, message, losses=1)
        return Status.QUEUED
    told = f"{loss} {MAX_LOSSES_IN_A_ROW} times in a row; the last time: {message}"
    fail_run(tx, run_id, held.strategy, loss, told)
    return Status.FAILED


def refuse_launch(tx: Transaction, run_id: UUID, strategy_id: UUID, message: str) -> None:
    """Fail the run as the deployment's fault, and stop launching until a probe succeeds."""
    tx.run("fail_run", run_id=run_id, error_code=LAUNCH_CONFIG, error_message=message)
    tx.run("launch_was_refused", at_once=True, reason=message)
    told = _failure(run_id, LAUNCH_CONFIG, message)
    notify(tx, Topic.TRAINING_FAILED, strategy_id, told | {"rests_hours": None})


def requeue_run(
    tx: Transaction, run_id: UUID, strategy: Any, code: Loss | str, message: str, *, losses: int
) -> None:
    """Make the run its own next attempt, behind a new fence."""
    fence = strategy.fence + 1
    tx.run("set_fence", strategy_id=strategy.strategy_id, fence=fence)
    tx.run(
        "requeue_run",
        run_id=run_id,
        fence=fence,
        losses=losses,
        error_code=str(code),
        error_message=message,
    )


def fail_run(tx: Transaction, run_id: UUID, strategy: Any, code: str, message: str) -> None:
    """Fail the run as the strategy's own failure: it rests longer each time, then is paused."""
    failures = strategy.failures + 1
    rest = back_off(failures)
    paused = None if rest else f"{failures} failed trainings in a row; the last one: {code}"
    tx.run("fail_run", run_id=run_id, error_code=str(code), error_message=message)
    tx.run("count_failure", strategy_id=strategy.strategy_id, rest=rest, paused_reason=paused)
    told = _failure(run_id, code, message)
    rests = rest // timedelta(hours=1) if rest else None
    notify(tx, Topic.TRAINING_FAILED, strategy.strategy_id, told | {"rests_hours": rests})
    if paused:
        notify(tx, Topic.STRATEGY_PAUSED, strategy.strategy_id, told | {"paused_reason": paused})


def notify(tx: Transaction, topic: Topic, strategy_id: UUID, payload: Json) -> None:
    tx.run("notify", topic=topic, strategy_id=strategy_id, payload=Jsonb(payload))


def _failure(run_id: UUID, code: Loss | str, message: str) -> Json:
    return {"run_id": str(run_id), "error_code": str(code), "error_message": message[:2000]}
