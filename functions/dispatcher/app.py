"""The hourly tick: EventBridge's schedule, or this stack's own creation or update."""

from __future__ import annotations

import os
from datetime import datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from autoretrain import bootstrap
from autoretrain.domain.runs import Status
from autoretrain.incoming import hour, understood
from autoretrain.logs import RedactingFormatter
from autoretrain.metrics import (
    CHECKS_NOT_SENT,
    CHECKS_SENT,
    LOST_RUNS,
    PAUSED_STRATEGIES,
    TICKS,
    Metric,
    emit,
    ended_by_others,
)
from autoretrain.outgoing import send_notifications
from autoretrain.services.dispatch import Dispatched, Dispatcher
from autoretrain.services.notify import Notifier
from autoretrain.settings import DispatcherSettings, read

SECONDS_TO_NOTIFY = 15.0
"""Kept back for what has to be told, however many strategies there are to check."""

logger = Logger(logger_formatter=RedactingFormatter())


@cache
def services() -> tuple[Dispatcher, Notifier]:
    return bootstrap.dispatcher(read(DispatcherSettings, os.environ))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Tick for the hour that the event belongs to: twice delivered, it is still one slot."""
    slot = understood(slot_of, event, logger)
    if slot is None:
        return {"slot": None, "checking": 0}
    dispatcher, notifier = services()

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    dispatched = dispatcher.tick(
        slot,
        seconds_left=lambda: seconds_left() - SECONDS_TO_NOTIFY,
        announce=lambda strategies: tell_start(slot, strategies),
    )
    tell(dispatched)
    notified = send_notifications(notifier, seconds_left, logger)
    emit(logger, figures_of(dispatched) | notified)
    return {"slot": slot.isoformat(), "checking": dispatched.checking}


def slot_of(event: dict[str, Any]) -> datetime:
    """EventBridge says when, so that what comes late is known to be; a person may say now."""
    return hour(event["time"])


def figures_of(dispatched: Dispatched) -> dict[Metric, float]:
    ended = [freed.status for freed in dispatched.freed if freed.status is not Status.STARTING]
    figures: dict[Metric, float] = {
        TICKS: 1,
        CHECKS_SENT: dispatched.sent,
        CHECKS_NOT_SENT: dispatched.not_sent,
        PAUSED_STRATEGIES: len(dispatched.paused),
        LOST_RUNS: len(ended),
    }
    return figures | ended_by_others(ended)


def tell_start(slot: datetime, strategies: int) -> None:
    logger.info("auto-retrain check started", extra={"slot": slot, "strategies": strategies})


def tell(dispatched: Dispatched) -> None:
    previous = dispatched.previous
    if previous.checked:
        logger.info(
            "auto-retrain check complete",
            extra={
                "slot": previous.slot,
                "retrained": previous.retrained,
                "skipped": previous.skipped,
                "activated": previous.activated,
                "kept": previous.kept,
                "failed": previous.failed,
                "live": previous.live,
            },
        )
    for freed in dispatched.freed:
        logger.warning(
            "auto-retrain lost run",
            extra={
                "strategy_id": freed.run.strategy_id,
                "run_id": freed.run.run_id,
                "status": freed.status,
                "why": freed.why,
            },
        )
    for paused in dispatched.paused:
        names = {"strategy_id": paused.strategy_id, "strategy": paused.name}
        logger.warning("auto-retrain strategy paused", extra=names | {"why": paused.why})
    if dispatched.not_sent:
        why = f"{dispatched.not_sent} strategies wait for the next tick: {dispatched.not_sent_why}"
        logger.error(
            "auto-retrain strategies not sent", extra={"count": dispatched.not_sent, "why": why}
        )
