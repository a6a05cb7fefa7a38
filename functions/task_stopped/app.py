"""An ECS task has stopped: whatever it was still training is ended, at once and with the reason."""

from __future__ import annotations

import os
from functools import cache
from typing import Any
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from autoretrain import bootstrap
from autoretrain.aws.tasks import CONTAINER
from autoretrain.domain.runs import Loss
from autoretrain.domain.work import Attempt
from autoretrain.incoming import text, understood
from autoretrain.logs import RedactingFormatter
from autoretrain.metrics import LOST_RUNS, Metric, emit, ended_by_others
from autoretrain.outgoing import send_notifications
from autoretrain.services.notify import Notifier
from autoretrain.services.stop import EndedRun, StoppedTask, Stopper
from autoretrain.settings import TaskStoppedSettings, read

STOPPED = "STOPPED"

logger = Logger(logger_formatter=RedactingFormatter())


@cache
def services() -> tuple[Stopper, Notifier]:
    return bootstrap.stopper(read(TaskStoppedSettings, os.environ))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """End what the task was training, and send what its trainings have left to be told."""
    task = understood(lambda given: stopped_task(given["detail"]), event, logger)
    if task is None:
        return {"ended": 0}
    stopper, notifier = services()
    ended = stopper.stopped(task)
    for one in ended:
        run: dict[str, Any] = {"strategy_id": one.run.strategy_id, "run_id": one.run.run_id}
        told = {"status": one.status, "why": one.message, "task_arn": task.task_arn}
        logger.warning("auto-retrain run ended with its task", extra=run | told)
    notified = send_notifications(
        notifier, lambda: context.get_remaining_time_in_millis() / 1000, logger
    )
    emit(logger, figures_of(ended) | notified)
    return {"ended": len(ended)}


def figures_of(ended: list[EndedRun]) -> dict[Metric, float]:
    lost = sum(one.loss is Loss.LOST for one in ended)
    return {LOST_RUNS: lost} | ended_by_others(one.status for one in ended)


def stopped_task(detail: dict[str, Any]) -> StoppedTask:
    """A task that never started has containers without an exit code, or none at all; others than
    the trainer may be sidecars of the account's own."""
    if detail["lastStatus"] != STOPPED:
        raise ValueError("the task has not stopped")
    containers: list[dict[str, Any]] = detail.get("containers") or []
    container = next((one for one in containers if one.get("name") == CONTAINER), {})
    return StoppedTask(
        task_arn=text(detail["taskArn"]),
        started_for=started_for(text(detail.get("startedBy") or "")),
        exit_code=exit_code_of(container),
        stop_code=detail.get("stopCode"),
        stopped_reason=text(detail.get("stoppedReason") or ""),
        container_reason=text(container.get("reason") or ""),
    )


def exit_code_of(container: dict[str, Any]) -> int | None:
    code = container.get("exitCode")
    return None if code is None else int(code)


def started_for(started_by: str) -> Attempt | None:
    """The attempt that our launcher started the task for; None for a task of somebody else's."""
    run_id, _, number = started_by.partition("/")
    try:
        return Attempt(UUID(run_id), int(number))
    except ValueError:
        return None
