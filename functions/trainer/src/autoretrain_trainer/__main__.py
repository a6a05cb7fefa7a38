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
from typing import NamedTuple
from uuid import UUID

from aws_lambda_powertools import Logger

from autoretrain.aws.tasks import CONTAINER
from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment
from autoretrain.domain.work import Progress, Published
from autoretrain.errors import AutoRetrainError, BadSetting, DependencyError
from autoretrain.logs import RedactingFormatter
from autoretrain.metrics import (
    LOG_LOSS_IMPROVEMENT,
    RUNS,
    TRAINING_ROWS,
    TRAINING_SECONDS,
    Metric,
    RunOutcome,
    emit,
)
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
        task = own_task(os.environ.get("ECS_CONTAINER_METADATA_URI_V4"))
        working = trainer(read(TrainerSettings, os.environ), tell_progress, task.image)
        for event in working.work(run_id, task.arn, stop):
            tell(event)
            emit(logger, figures_of(event))
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


class OwnTask(NamedTuple):
    """What ECS calls this task, and the digest of its image; neither anywhere else."""

    arn: str | None = None
    image: str | None = None


def own_task(metadata_uri: str | None) -> OwnTask:
    """Who this task is, from the metadata endpoint that ECS gives every container."""
    if metadata_uri is None:
        return OwnTask()
    try:
        with urllib.request.urlopen(f"{metadata_uri}/task", timeout=5) as answer:  # noqa: S310
            told = json.load(answer)
        return OwnTask(told["TaskARN"], _image_of(told.get("Containers", [])))
    except (OSError, ValueError, KeyError) as exc:
        raise DependencyError(f"ECS does not tell this task its own name: {exc}") from exc


def _image_of(containers: list[dict[str, str]]) -> str | None:
    """Others than the trainer may be sidecars of the account's own."""
    return next((one.get("ImageID") for one in containers if one["Name"] == CONTAINER), None)


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


def figures_of(event: TrainingEvent) -> dict[Metric, float]:
    match event:
        case Finished(_, published, seconds):
            measured = {
                RUNS.of(_outcome(published)): 1,
                TRAINING_SECONDS: seconds,
                TRAINING_ROWS: published.rows.usable if published.rows else None,
                LOG_LOSS_IMPROVEMENT: published.log_loss_improvement,
            }
            return {metric: figure for metric, figure in measured.items() if figure is not None}
        case Failed():
            return {RUNS.of(RunOutcome.FAILED): 1}
        case Cancelled():
            return {RUNS.of(RunOutcome.CANCELLED): 1}
        case GivenBack(_, code, _) if code != "superseded":  # which somebody else has counted
            return {RUNS.of(RunOutcome.REQUEUED): 1}
    return {}


def _outcome(published: Published) -> RunOutcome:
    if published.version is None:
        return RunOutcome.NO_MODEL
    return RunOutcome.ACTIVATED if published.activated else RunOutcome.KEPT


def _result(finished: Finished) -> Json:
    published = finished.published
    return {
        "reason": finished.assignment.reason,
        "retrained": published.version is not None,
        "activated": published.activated,
        "outcome": published.outcome,
        "model_version": published.version,
        "previous_version": published.previous_version,
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
