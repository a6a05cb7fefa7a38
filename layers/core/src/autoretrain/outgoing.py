"""Sends notifications at the end of a function's work, which never fails for it."""

from __future__ import annotations

from collections.abc import Callable

from aws_lambda_powertools import Logger

from autoretrain.domain.notification_words import subject_of
from autoretrain.errors import AutoRetrainError, InternalError
from autoretrain.metrics import NOTIFICATIONS, NOTIFICATIONS_FAILED, Metric
from autoretrain.services.notify import Notifier, Told


def send_notifications(
    notifier: Notifier, seconds_left: Callable[[], float], logger: Logger
) -> dict[Metric, float]:
    """Log each; returns how many were sent, and how often that failed."""
    figures: dict[Metric, float] = {NOTIFICATIONS: 0, NOTIFICATIONS_FAILED: 0}
    try:
        for told in notifier.drain(seconds_left):
            figures[NOTIFICATIONS_FAILED if told.refused else NOTIFICATIONS] += 1
            _tell(told, logger)
    except AutoRetrainError as exc:
        figures[NOTIFICATIONS_FAILED] += 1
        logger.error("auto-retrain notifications wait", extra={"code": exc.code, "why": str(exc)})
    except Exception:
        # A bug of ours must not have the function's work done once more.
        figures[NOTIFICATIONS_FAILED] += 1
        logger.exception("auto-retrain notifications wait", extra={"code": InternalError.code})
    return figures


def _tell(told: Told, logger: Logger) -> None:
    note = told.notification
    names = {"strategy_id": note.strategy_id, "strategy": note.strategy, "topic": note.topic}
    names |= {"event_id": note.event_id}
    if told.refused:
        why = "; ".join(f"{channel}: {reason}" for channel, reason in told.refused.items())
        logger.warning("auto-retrain notification not sent yet", extra=names | {"why": why})
    else:
        logger.info("auto-retrain notification sent", extra=names | {"subject": subject_of(note)})
