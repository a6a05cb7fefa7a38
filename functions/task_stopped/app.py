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
from autoretrain.domain.work import Attempt
from autoretrain.logs import RedactingFormatter
from autoretrain.services.stop import StoppedTask, Stopper
from autoretrain.settings import TaskStoppedSettings, read

logger = Logger(logger_formatter=RedactingFormatter())


@cache
def stopper() -> Stopper:
    return bootstrap.stopper(read(TaskStoppedSettings, os.environ))


def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    task = stopped_task(event["detail"])
    ended = stopper().stopped(task)
    for one in ended:
        run: dict[str, Any] = {"strategy_id": one.run.strategy_id, "run_id": one.run.run_id}
        told = {"status": one.status, "why": one.message, "task_arn": task.task_arn}
        logger.warning("auto-retrain run ended with its task", extra=run | told)
    return {"ended": len(ended)}


def stopped_task(detail: dict[str, Any]) -> StoppedTask:
    """A task that never started has containers without an exit code, or none at all; others than
    the trainer may be sidecars of the account's own."""
    containers: list[dict[str, Any]] = detail.get("containers", [])
    container = next((one for one in containers if one.get("name") == CONTAINER), {})
    return StoppedTask(
        task_arn=detail["taskArn"],
        started_for=started_for(detail.get("startedBy", "")),
        exit_code=container.get("exitCode"),
        stop_code=detail.get("stopCode"),
        stopped_reason=detail.get("stoppedReason", ""),
        container_reason=container.get("reason", ""),
    )


def started_for(started_by: str) -> Attempt | None:
    """The attempt that our launcher started the task for; None for a task of somebody else's."""
    run_id, _, number = started_by.partition("/")
    try:
        return Attempt(UUID(run_id), int(number))
    except ValueError:
        return None
