"""Keeps secrets out of every log line, whoever wrote them there: a driver's error text, mostly."""

from __future__ import annotations

import re
from typing import Any

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

REDACTED = "[redacted]"

_NAMES = r"(?:password|passwd|pwd|jwt_secret)"
_NAMED = re.compile(rf".*{_NAMES}", re.IGNORECASE)
_TRACES = re.compile(r"//|arp_|ey|passw|pwd|jwt_secret")
"""One of these is in every secret below, in whatever case."""

_SECRETS = [
    # scheme://user:pass@host, up to the last @, for a password may hold one
    (re.compile(r"(//)[^\s\"'<>]*@"), rf"\1{REDACTED}@"),
    # API tokens: the id may stay, it opens nothing
    (re.compile(r"(arp_(?:[a-z0-9]{8}_)?)[A-Za-z0-9_-]{12,}"), rf"\1{REDACTED}"),
    # web tokens, whole or cut off: a base64url JSON object, then a dot
    (re.compile(r"(?<![A-Za-z0-9])ey[A-Za-z0-9_-]{6,}\.[A-Za-z0-9._-]*"), REDACTED),
    # password=…, 'password': '…' and the like
    (
        re.compile(
            rf"({_NAMES}[\"']?\s*[=:]\s*)"
            r"(?:'(?:[^'\\]|\\.)*'?|\"(?:[^\"\\]|\\.)*\"?|\S+)",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
]


def redact(text: str) -> str:
    """The text without database passwords, API tokens and web tokens."""
    # Most texts have none: one look tells, in a third of the time.
    if not _TRACES.search(text.casefold()):
        return text
    for secret, instead in _SECRETS:
        text = secret.sub(instead, text)
    return text


class RedactingFormatter(LambdaPowertoolsFormatter):
    """Powertools' JSON lines, redacted."""

    def serialize(self, log: Any) -> str:
        """Before it is JSON: there, quotes that end a secret look like those that end a line."""
        return super().serialize(_redacted(log))


def _redacted(value: Any) -> Any:
    match value:
        case dict():
            return {
                redact(str(name)): REDACTED if _NAMED.fullmatch(str(name)) else _redacted(held)
                for name, held in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [_redacted(held) for held in value]
        case None | bool() | int() | float():
            return value
    return redact(str(value))
