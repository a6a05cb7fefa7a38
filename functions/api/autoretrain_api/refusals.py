"""Which error is which answer: the one place where errors become HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools.event_handler.depends import DependencyResolutionError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from autoretrain.errors import (
    BadConfig,
    BadSetting,
    CallerError,
    ContractError,
    DependencyError,
    InternalError,
    Invalid,
    MissingSettings,
    OperatorError,
    TooManyRuns,
)
from autoretrain_api.log import logger

RETRY_AFTER_SECONDS = 5
NAMED_AT_MOST = 10
"""Fields that one message names; a body can have thousands of wrong ones."""

INSIDE = "something went wrong inside auto-retrain: its log has this request_id"
_SPEAKS_FOR_ITSELF = (MissingSettings, BadConfig, BadSetting, ContractError)
_STRANGE = re.compile(r"[^ -~]")


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


def refused(exc: Exception, request_id: str) -> dict[str, Any]:
    """The answer, in API Gateway's form; what is not the caller's fault is logged."""
    if isinstance(exc, DependencyResolutionError) and isinstance(exc.__cause__, Exception):
        exc = exc.__cause__
    refusal = refusal_of(exc)
    if refusal.status >= 500:
        told = {"request_id": request_id, "code": refusal.code, "why": str(exc)}
        logger.error("auto-retrain request failed", extra=told, exc_info=exc)
    error = {"code": refusal.code, "message": refusal.message, "request_id": request_id}
    return {
        "statusCode": refusal.status,
        "headers": {"Content-Type": "application/json", **refusal.headers},
        "body": json.dumps({"error": error}),
        "isBase64Encoded": False,
    }


def refusal_of(exc: Exception) -> Refusal:
    match exc:
        case TooManyRuns():
            later = {"Retry-After": str(exc.retry_after_seconds)}
            return Refusal(exc.status, exc.code, str(exc), later)
        case CallerError():
            return Refusal(exc.status, exc.code, str(exc))
        case OperatorError() | DependencyError():
            later = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return Refusal(503, exc.code, said_openly(exc), later)
    return Refusal(500, InternalError.code, INSIDE)


def said_openly(exc: OperatorError | DependencyError) -> str:
    """What the caller may read; a driver's own text may name hosts and users."""
    return str(exc) if isinstance(exc, _SPEAKS_FOR_ITSELF) else str(type(exc).__doc__)


def invalid(exc: RequestValidationError) -> Invalid | InternalError:
    """Names each field and what is allowed there, never the value."""
    errors = exc.errors()
    if any(error["loc"][0] == "response" for error in errors):
        return InternalError("an answer does not keep to its own schema")
    lines = [f"{_name(error['loc'])}: {_allowed(error)}" for error in errors]
    more = [f"and {len(lines) - NAMED_AT_MOST} more"] if len(lines) > NAMED_AT_MOST else []
    return Invalid("; ".join(lines[:NAMED_AT_MOST] + more))


def _name(loc: Sequence[str | int]) -> str:
    place, *names = loc
    return ".".join(_STRANGE.sub("?", str(name))[:100] for name in names) or str(place)


def _allowed(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not known here"
        case "allowed":
            return str(error["msg"])
        case "bool_type" | "bool_parsing":
            return "must be true or false"
        case "literal_error" | "enum":
            return f"must be {error['ctx']['expected']}"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "must be a JSON object"
        case "list_type":
            return "must be a list"
        case "too_long":
            return f"must have at most {error['ctx']['max_length']} entries"
    return "has a value that is not allowed"
