"""The trainer's process: environment in, log lines and an exit code out.

0: the queue is empty · 143: asked to stop, the run is queued again · 70, 75, 78: see errors.py
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import urllib.request
from dataclasses import asdict
from uuid import UUID

from aws_lambda_powertools import Logger

from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment
from autoretrain.domain.work import Progress
from autoretrain.errors import AutoRetrainError, BadSetting, DependencyError
from autoretrain.logs import RedactingFormatter
from autoretrain.services.train import (
    Cancelled,
    Failed,
    Finished,
    GivenBack,
    Started,
    TrainingEvent,
)
from autoretrain.settings import TrainerSettings, read
from autoretrain_trainer.bootstrap import trainer

STOPPED_BY_SIGTERM = 143

logger = Logger(logger_formatter=RedactingFormatter())


def main() -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        run_id = named_run(os.environ.get("RUN_ID"))
        working = trainer(read(TrainerSettings, os.environ), tell_progress)
        task_arn = own_task_arn(os.environ.get("ECS_CONTAINER_METADATA_URI_V4"))
        for event in working.work(run_id, task_arn, stop):
            tell(event)
    except AutoRetrainError as exc:
        logger.error("auto-retrain trainer stopped", extra={"code": exc.code, "why": str(exc)})
        return exc.exit_code
    return STOPPED_BY_SIGTERM if stop.is_set() else 0


def named_run(text: str | None) -> UUID | None:
    """The run that this task was started for; None lets it take the oldest queued one."""
    try:
        return UUID(text) if text else None
    except ValueError as exc:
        raise BadSetting("RUN_ID must be the id of a run, a UUID") from exc


def own_task_arn(metadata_uri: str | None) -> str | None:
    """Who this task is, from the metadata endpoint that ECS gives every container."""
    if metadata_uri is None:
        return None
    try:
        with urllib.request.urlopen(f"{metadata_uri}/task", timeout=5) as answer:  # noqa: S310
            task_arn: str = json.load(answer)["TaskARN"]
    except (OSError, ValueError, KeyError) as exc:
        raise DependencyError(f"ECS does not tell this task its own name: {exc}") from exc
    return task_arn


def tell_progress(assignment: Assignment, progress: Progress) -> None:
    logger.info("auto-retrain progress", extra=_names(assignment) | asdict(progress))


def tell(event: TrainingEvent) -> None:
    names = _names(event.assignment)
    match event:
        case Started(assignment):
            logger.info(
                "auto-retrain training started", extra=names | {"reason": assignment.reason}
            )
        case Finished():
            logger.info("auto-retrain finished", extra=names | _result(event))
        case Failed(_, code, message, cause):
            told = names | {"code": code, "why": message}
            logger.error("auto-retrain failed", extra=told, exc_info=cause)
        case Cancelled():
            logger.info("auto-retrain cancelled", extra=names)
        case GivenBack(_, code, message):
            logger.warning("auto-retrain given back", extra=names | {"code": code, "why": message})


def _result(finished: Finished) -> Json:
    published = finished.published
    return {
        "reason": finished.assignment.reason,
        "retrained": published.version is not None,
        "activated": published.activated,
        "outcome": published.outcome,
        "model_version": published.version,
        "champion": published.champion,
        "accuracy": published.accuracy,
        "improvement": published.improvement,
        "below_base_rate": published.below_base_rate,
        "decided_by": published.line,
        "rows_used": published.rows.usable if published.rows else None,
        "rows_dropped": dict(published.rows.dropped) if published.rows else None,
        "seconds": round(finished.seconds, 3),
    }


def _names(assignment: Assignment) -> Json:
    return {
        "strategy_id": str(assignment.strategy_id),
        "strategy": assignment.strategy_name,
        "run_id": str(assignment.run_id),
    }


if __name__ == "__main__":
    sys.exit(main())
