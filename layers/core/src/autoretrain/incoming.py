"""Reads events, and lets go of one that makes no sense: told, counted, and never tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from aws_lambda_powertools import Logger

from autoretrain.metrics import IGNORED_EVENTS, emit

Understood = TypeVar("Understood")
NOW = "now"


def understood(
    read: Callable[[Any], Understood], event: object, logger: Logger
) -> Understood | None:
    """What `read` makes of the event, None where it makes nothing of it."""
    try:
        return read(event)
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as exc:
        why = f"{type(exc).__name__}: {exc}"
        logger.error("auto-retrain event ignored", extra={"why": why})
        emit(logger, {IGNORED_EVENTS: 1})
        return None


def text(value: object) -> str:
    """Raises TypeError, ValueError for what is no text, or none that a database would take."""
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} where a text belongs")
    if "\0" in value:
        raise ValueError("a NUL in a text")
    value.encode()  # raises for half a character
    return value


def hour(value: object) -> datetime:
    """The hour, UTC, that a time in ISO 8601 lies in; a person may say "now". Raises OverflowError,
    TypeError, ValueError for what is no time."""
    told = text(value)
    at = datetime.now(UTC) if told == NOW else datetime.fromisoformat(told).astimezone(UTC)
    return at.replace(minute=0, second=0, microsecond=0)
