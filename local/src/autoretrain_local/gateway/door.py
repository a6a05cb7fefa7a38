"""Decides who may pass: asks the authorizer, and remembers what it said for a while."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from autoretrain_local.gateway.environments import Crashed
from autoretrain_local.gateway.event import Event, authorizer_event_of

_MOST_REMEMBERED = 1_000

Invoke = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a caller may pass, and what the function is told of them."""

    is_authorized: bool
    context: dict[str, Any] | None


class Door:
    """One authorizer with simple answers. What it says of a header holds for every route."""

    def __init__(
        self,
        authorizer: Invoke,
        remember_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authorizer = authorizer
        self._remember_seconds = remember_seconds
        self._clock = clock
        self._lock = Lock()
        self._remembered: dict[str, tuple[float, Verdict]] = {}

    def judge(self, event: Event, authorization: str) -> Verdict:
        """Raises what the authorizer's environments raise, and Crashed for a senseless answer."""
        known = self._recall(authorization)
        if known is not None:
            return known
        verdict = _read(self._authorizer(authorizer_event_of(event, authorization)))
        self._remember(authorization, verdict)
        return verdict

    def _recall(self, authorization: str) -> Verdict | None:
        with self._lock:
            until, verdict = self._remembered.get(authorization, (0.0, None))
            return verdict if self._clock() < until else None

    def _remember(self, authorization: str, verdict: Verdict) -> None:
        with self._lock:
            self._remembered.pop(authorization, None)
            self._remembered[authorization] = (self._clock() + self._remember_seconds, verdict)
            if len(self._remembered) > _MOST_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]


def _read(payload: bytes) -> Verdict:
    match json.loads(payload):
        case {"isAuthorized": bool(is_authorized), **more}:
            return Verdict(is_authorized, _context(more.get("context")))
    raise Crashed("the authorizer's answer is not of the simple form")


def _context(context: Any) -> dict[str, Any] | None:
    if not isinstance(context, dict | None):
        raise Crashed("the authorizer's context is no object")
    return context
