"""What request headers ask for, and the headers that every answer has."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

MAX_WAIT_SECONDS = 25
"""Below the 30 s after which API Gateway gives the caller up."""

ANSWER_SECONDS = 27
"""So long after the request came, its answer is on its way."""

JSON = "application/json"
ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}

_PREFERENCE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_WAIT = re.compile(r'wait\s*=\s*("?)([0-9]{1,9})\1', re.IGNORECASE)
_ETAG = re.compile(r'(?:W/)?("[^"]*")')


def with_headers(answer: dict[str, Any]) -> dict[str, Any]:
    """What the route has set itself counts."""
    return answer | {"headers": ALWAYS | answer["headers"]}


def preferred_wait(prefer: str) -> int | None:
    """Seconds that `Prefer: wait=…` asks for, at most 25; the first counts, what is not understood
    is ignored. RFC 7240."""
    for preference in _PREFERENCE.findall(prefer):
        wait = _WAIT.fullmatch(preference.partition(";")[0].strip())
        if wait:
            return min(int(wait[2]), MAX_WAIT_SECONDS)
    return None


def seconds_left(context: Mapping[str, Any]) -> float:
    """How long a request may still be waited for, by the time at which API Gateway took it: a cold
    start and the claim have used some of it."""
    taken_at: float = context.get("timeEpoch", 0) / 1000
    return max(0.0, ANSWER_SECONDS - max(0.0, time.time() - taken_at))


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether the caller has what the tag stands for; weak tags count. RFC 9110, 13.1.2."""
    return if_none_match.strip() == "*" or etag in _ETAG.findall(if_none_match)


def unless_known(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """A middleware: 304 and no body where the caller has the answer already."""
    answer = next_middleware(app)
    etag = str(answer.headers["ETag"])
    if is_known(etag, app.current_event.headers.get("if-none-match", "")):
        # A browser takes them over into what it has: its policy would be lost without.
        kept = {name: value for name, value in answer.headers.items() if name != "Content-Type"}
        return Response(304, headers=kept, body="")
    return answer
