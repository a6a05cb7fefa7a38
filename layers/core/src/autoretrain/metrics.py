"""What is counted for CloudWatch: names, units, dimensions, and how the figures are written.

No figure says whose strategy it is of: a dimension per strategy would cost per strategy.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from logging import StreamHandler
from typing import TextIO, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from autoretrain.domain.runs import Status


@dataclass(frozen=True, slots=True)
class Metric:
    """`unit` is CloudWatch's own word. A metric with a `dimension`, beside `service`, is counted
    for one value of it at a time."""

    name: str
    unit: str
    dimension: str | None = None
    value: str | None = None

    def of(self, value: str) -> Metric:
        return replace(self, value=value)


class RunOutcome(StrEnum):
    """How an attempt ended. Its trainer counts it, or whoever ends it in the trainer's place."""

    ACTIVATED = "activated"
    KEPT = "kept"
    NO_MODEL = "no_model"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REQUEUED = "requeued"


TICKS = Metric("Ticks", "Count")
CHECKS_SENT = Metric("ChecksSent", "Count")
CHECKS_NOT_SENT = Metric("ChecksNotSent", "Count")
PAUSED_STRATEGIES = Metric("PausedStrategies", "Count")
CHECKS = Metric("Checks", "Count")
DECISIONS = Metric("Decisions", "Count", "reason")
LAUNCH_FAILURES = Metric("LaunchFailures", "Count")
RUNS = Metric("Runs", "Count", "outcome")
LOST_RUNS = Metric("LostRuns", "Count")
TRAINING_SECONDS = Metric("TrainingSeconds", "Seconds")
TRAINING_ROWS = Metric("TrainingRows", "Count")
LOG_LOSS_IMPROVEMENT = Metric("LogLossImprovement", "None")
NOTIFICATIONS = Metric("Notifications", "Count")
NOTIFICATIONS_FAILED = Metric("NotificationsFailed", "Count")
IGNORED_EVENTS = Metric("IgnoredEvents", "Count")

METRICS = (
    TICKS,
    CHECKS_SENT,
    CHECKS_NOT_SENT,
    PAUSED_STRATEGIES,
    CHECKS,
    DECISIONS,
    LAUNCH_FAILURES,
    RUNS,
    LOST_RUNS,
    TRAINING_SECONDS,
    TRAINING_ROWS,
    LOG_LOSS_IMPROVEMENT,
    NOTIFICATIONS,
    NOTIFICATIONS_FAILED,
    IGNORED_EVENTS,
)


def ended_by_others(statuses: Iterable[Status]) -> dict[Metric, float]:
    """Attempts that were ended for their trainers: failed, or queued again as the next."""
    failed = Counter(status is Status.FAILED for status in statuses)
    counts = {RunOutcome.FAILED: failed[True], RunOutcome.REQUEUED: failed[False]}
    return {RUNS.of(outcome): count for outcome, count in counts.items() if count}


def emit(logger: Logger, figures: Mapping[Metric, float]) -> None:
    """Write the figures into the log's own stream, in CloudWatch's embedded metric format; nothing
    where there are none, or where POWERTOOLS_METRICS_NAMESPACE names no namespace."""
    handler = cast("StreamHandler[TextIO]", logger.registered_handler)
    for line in _lines(figures):
        with handler.lock or nullcontext():
            handler.stream.write(f"{line}\n")
            handler.flush()


def _lines(figures: Mapping[Metric, float]) -> Iterator[str]:
    """A line for each value of a dimension: all figures of a line share its dimensions."""
    kinds = dict.fromkeys((metric.dimension, metric.value) for metric in figures)
    for dimension, value in kinds:
        # One of its own: what Powertools shares would mix the functions of one process.
        metrics = EphemeralMetrics()
        if not metrics.namespace:
            return
        if dimension is not None and value is not None:
            metrics.add_dimension(dimension, value)
        for metric, figure in figures.items():
            if (metric.dimension, metric.value) == (dimension, value):
                metrics.add_metric(metric.name, metric.unit, figure)
        yield json.dumps(metrics.serialize_metric_set())
