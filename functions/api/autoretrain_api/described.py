"""What the contract says of a route beyond its types: names, statuses, who gives which error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMED = (404,)
"""The route names a thing that may not be there."""
CHECKED = (422,)
"""The route reads something of the path, the query or the headers."""
BODY = (400, 413, 415, 422)
CONFLICT = (409,)

_ALWAYS = (429, 500, 503)
_PROTECTED = (401, 403)
_ERRORS = {
    400: "The body cannot be read",
    401: "No token",
    403: "The token is refused, or lacks the scope",
    404: "There is no such thing, or it is somebody else's",
    409: "It does not go with how things stand",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "A value is not allowed; the message names the field and what is",
    429: "Too many requests, or trainings within an hour",
    500: "An error of ours",
    503: "Something that this depends on is not available",
}
_GATEWAY_ONLY = (401,)
_OURS_ONLY = (400, 409, 415, 422)
_LATER = (429, 503)
_WITHOUT_BODY = (204, 304)


def described(
    operation_id: str,
    summary: str,
    tag: str,
    *,
    answers: Mapping[int, str | dict[str, Any]] | None = None,
    refuses: tuple[int, ...] = (),
    is_open: bool = False,
    **route: Any,
) -> dict[str, Any]:
    """The arguments of a route; `answers` says what the statuses mean that it gives itself."""
    refusals = {*refuses, *_ALWAYS, *(() if is_open else _PROTECTED)}
    given = {status: _answer(status, told) for status, told in (answers or {200: summary}).items()}
    return route | {
        "operation_id": operation_id,
        "summary": summary,
        "tags": [tag],
        "security": None if is_open else [{"bearer": []}],
        "responses": {status: refused(status) for status in sorted(refusals)} | given,
    }


def _answer(status: int, told: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(told, dict):
        return told
    return {"description": told} | ({"content": {}} if status in _WITHOUT_BODY else {})


def refused(status: int, *forms: str) -> dict[str, Any]:
    schemas = [{"$ref": f"#/components/schemas/{name}"} for name in forms or _forms(status)]
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    refusal: dict[str, Any] = {
        "description": _ERRORS[status],
        "content": {"application/json": {"schema": schema}},
    }
    if status in _LATER:
        seconds = {"description": "Seconds to wait", "schema": {"type": "integer"}}
        refusal["headers"] = {"Retry-After": seconds}
    return refusal


def _forms(status: int) -> list[str]:
    """API Gateway answers some of them itself, in its own form."""
    if status in _GATEWAY_ONLY:
        return ["GatewayError"]
    return ["Error"] if status in _OURS_ONLY else ["Error", "GatewayError"]
