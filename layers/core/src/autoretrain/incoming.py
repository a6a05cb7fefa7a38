"""Lets go of an event that makes no sense: told and counted, and nobody tries it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools import Logger

from autoretrain.metrics import IGNORED_EVENTS, emit

Understood = TypeVar("Understood")


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
