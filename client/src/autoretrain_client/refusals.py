"""Turns what came instead of an answer into an error that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from autoretrain_client.connection import is_loopback
from autoretrain_client.errors import (
    AutoRetrainClientError,
    Conflict,
    Invalid,
    MissingScope,
    NotAuthenticated,
    NotFound,
    NotUnderstood,
    ServerError,
    Throttled,
    Unavailable,
)
from autoretrain_client.parsing import json_object

Heard = httpx.Response | httpx.RequestError
"""What comes of sending a request."""

_BY_STATUS: Mapping[int, type[AutoRetrainClientError]] = {
    400: Invalid,
    401: NotAuthenticated,
    403: NotAuthenticated,
    404: NotFound,
    409: Conflict,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: Throttled,
    500: ServerError,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
_ADVICE: Mapping[type[AutoRetrainClientError], str] = {
    NotAuthenticated: "token refused: expired, revoked or wrong;"
    " create one with `autoretrain tokens create`",
    Throttled: "too many requests at once: try again later",
    Unavailable: "the service is not available now: try again later; `GET /health` says what is"
    " wrong, such as a database that is down, and the log why",
}
"""API Gateway answers some requests itself, in a word or two."""


def error_of(heard: Heard) -> AutoRetrainClientError:
    """The error that the response stands for, or that nobody answered."""
    if isinstance(heard, httpx.Response):
        return _refusal(heard)
    told = f"{_server(heard.request)} does not answer: {type(heard).__name__}"
    if isinstance(heard, httpx.ConnectError) and is_loopback(heard.request.url.host):
        told += "; is the stack up? `make run` or `autoretrain up` starts it"
    return Unavailable(told)


def retry_after_seconds(response: httpx.Response) -> float | None:
    """How long the server asks to wait, None where it does not say."""
    asked = response.headers.get("Retry-After", "")
    if asked.isdecimal():
        return float(asked)
    until = _date(asked)
    if until is None:
        return None
    # By the server's own clock, where it tells it: ours may be wrong.
    since = _date(response.headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (until - since).total_seconds())


def _refusal(response: httpx.Response) -> AutoRetrainClientError:
    told = _told(response)
    kind = _kind(response.status_code, told.get("code"))
    return kind(
        told.get("message") or _ADVICE.get(kind) or _strange(response),
        status=response.status_code,
        code=told.get("code"),
        request_id=told.get("request_id"),
        retry_after_seconds=retry_after_seconds(response),
    )


def _kind(status: int, code: str | None) -> type[AutoRetrainClientError]:
    if code == "missing_scope":
        return MissingScope
    if status == 500 and code is None:
        # API Gateway's own word for a function that raised: mostly the authorizer, which has no
        # other way to say that the database is down. A bug of the api's has a code.
        return Unavailable
    if status == 404 and code is None:
        # Whatever we do not find has a code: nobody knows the path here.
        return NotUnderstood
    return _BY_STATUS.get(status, NotUnderstood)


def _told(response: httpx.Response) -> Mapping[str, Any]:
    """Our own error body's content; API Gateway's own bodies have none."""
    error = json_object(response).get("error")
    return error if isinstance(error, dict) else {}


def _strange(response: httpx.Response) -> str:
    asked = f"{_server(response.request)}{response.request.url.path}"
    return f"{asked} answers {response.status_code}: is this auto-retrain's URL?"


def _server(request: httpx.Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc.decode()}"


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
