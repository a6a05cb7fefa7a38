"""Decides which request bodies are read at all: JSON objects whose size and shape cannot hurt."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, NoReturn

from autoretrain.errors import CallerError, Invalid

MAX_BYTES = 64 * 1024
MAX_NESTING = 32
MAX_DIGITS = 1000
"""Beyond any bound of ours; Python itself refuses integers of more than 4,300 digits."""

_JSON = "application/json"
_WITH_BODY = ("POST", "PATCH")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class Unreadable(CallerError):
    """The body cannot be read."""

    code = "unreadable_json"
    status = 400


class TooLarge(CallerError):
    """The body is larger than 64 KB."""

    code = "too_large"
    status = 413


class UnsupportedMediaType(CallerError):
    """The body must be JSON: send it with `Content-Type: application/json`."""

    code = "unsupported_media_type"
    status = 415


class InvalidJson(CallerError):
    """The body is not JSON."""

    code = "invalid_json"


def guarded(event: dict[str, Any]) -> dict[str, Any]:
    """The same event, its body plain text. Raises TooLarge, UnsupportedMediaType, Unreadable."""
    if event["requestContext"]["http"]["method"] not in _WITH_BODY or not event.get("body"):
        return event | {"body": None}
    text = _text(event["body"], encoded=event.get("isBase64Encoded", False))
    headers = event["headers"]
    media_type = headers.get("content-type", _JSON).partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise UnsupportedMediaType
    plain = {"body": text, "isBase64Encoded": False}
    return event | plain | {"headers": headers | {"content-type": _JSON}}


def _text(body: str, *, encoded: bool) -> str:
    try:
        raw = base64.b64decode(body, validate=True) if encoded else body.encode()
        text = raw.decode()
    except (binascii.Error, UnicodeError) as exc:
        raise Unreadable("the body must be UTF-8") from exc
    if len(raw) > MAX_BYTES:
        raise TooLarge
    return text


def read_json(text: str) -> dict[str, Any]:
    """Raises Unreadable, InvalidJson, or Invalid where the JSON is not an object."""
    _check_nesting(text)
    try:
        value = json.loads(
            text, parse_int=_whole, parse_constant=_no_number, object_pairs_hook=_without_twins
        )
    except json.JSONDecodeError as exc:
        raise InvalidJson(f"the body is not JSON: see its character {exc.pos}") from exc
    if not isinstance(value, dict):
        raise Invalid("body: must be a JSON object")
    return value


def _check_nesting(text: str) -> None:
    depth = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        if depth > MAX_NESTING:
            raise Unreadable(f"the body is nested more than {MAX_NESTING} deep")


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise Unreadable(f"the body has a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _no_number(_name: str) -> NoReturn:
    raise InvalidJson("the body is not JSON: NaN and Infinity are no numbers there")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("the body has the same name twice in one object")
    return found
