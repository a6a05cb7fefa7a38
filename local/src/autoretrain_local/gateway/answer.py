"""What API Gateway answers: its own short messages, and what it makes of a function's answer."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Headers = tuple[tuple[str, str], ...]

_JSON = ("Content-Type", "application/json")
_TEXT = ("Content-Type", "text/plain;charset=UTF-8")  # what a body without a type is taken for
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_OURS = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}


class Rubbish(ValueError):
    """A function returned what API Gateway cannot make an answer of."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers = ()
    body: bytes = b""


def _message(status: int, text: str) -> Answer:
    return Answer(status, (_JSON,), json.dumps({"message": text}, separators=(",", ":")).encode())


BAD_REQUEST = _message(400, "Bad Request")
UNAUTHORIZED = _message(401, "Unauthorized")
FORBIDDEN = _message(403, "Forbidden")
NOT_FOUND = _message(404, "Not Found")
TOO_LARGE = _message(413, "Request Entity Too Large")
TOO_MANY_REQUESTS = _message(429, "Too Many Requests")
SERVER_ERROR = _message(500, "Internal Server Error")
UNAVAILABLE = _message(503, "Service Unavailable")


def answer_of(payload: bytes) -> Answer:
    """What becomes of the JSON that a function returned, in payload format 2.0.

    Raises Rubbish.
    """
    told = json.loads(payload)
    if not isinstance(told, dict) or "statusCode" not in told:
        return Answer(200, (_JSON,), payload)
    body = _body(told.get("body"), told.get("isBase64Encoded", False))
    headers = [*_headers(told.get("headers")), *_cookies(told.get("cookies"))]
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(_TEXT)
    return Answer(_status(told["statusCode"]), tuple(headers), body)


def _status(code: Any) -> int:
    if type(code) is not int or not 200 <= code <= 599:
        raise Rubbish(f"{code!r} is no status code")
    return code


def _body(body: Any, is_base64: Any) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Rubbish("the body is no text")
    try:
        return base64.b64decode(body, validate=True) if is_base64 else body.encode()
    except ValueError as exc:
        raise Rubbish("the body is not what it is said to be") from exc


def _headers(headers: Any) -> Iterable[tuple[str, str]]:
    if not isinstance(headers, dict | None):
        raise Rubbish("the headers are no object")
    for name, value in (headers or {}).items():
        if name.lower() not in _OURS:
            yield _checked(name, value)


def _cookies(cookies: Any) -> Iterable[tuple[str, str]]:
    if not isinstance(cookies, list | None):
        raise Rubbish("the cookies are no list")
    return [_checked("Set-Cookie", cookie) for cookie in cookies or []]


def _checked(name: str, value: Any) -> tuple[str, str]:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    known = isinstance(value, str | int | float)
    if not (known and _NAME.fullmatch(name) and _VALUE.fullmatch(text)):
        raise Rubbish(f"{name!r} has no value that a header may have")
    return name, text
