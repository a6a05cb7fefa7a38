"""Decides what a request gets: which function answers it, or what API Gateway says by itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from autoretrain_local.gateway.answer import (
    FORBIDDEN,
    NOT_FOUND,
    SERVER_ERROR,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    UNAVAILABLE,
    Answer,
    Rubbish,
    answer_of,
)
from autoretrain_local.gateway.door import Door, Invoke
from autoretrain_local.gateway.environments import Crashed, Unavailable
from autoretrain_local.gateway.event import Event, Request, event_of
from autoretrain_local.gateway.plan import ApiPlan, Route
from autoretrain_local.gateway.throttle import Bucket

_logger = logging.getLogger(__name__)


class HttpApi:
    """The plan's API over its functions, each of which answers an event with JSON, or raises what
    `Environments.run` does."""

    def __init__(
        self,
        plan: ApiPlan,
        functions: Mapping[str, Invoke],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._functions = functions
        self._door = Door(functions[plan.authorizer], plan.reauthorize_seconds, clock)
        limits = plan.rate_per_second, plan.burst
        self._ways = [_Way(route, Bucket(*limits, clock)) for route in plan.routes]
        self._ways.sort(key=_Way.vagueness)

    def answer(self, request: Request) -> Answer:
        for way in self._ways:
            parameters = way.parameters(request)
            if parameters is not None:
                return self._answer(way, request, parameters)
        return NOT_FOUND

    def _answer(self, way: _Way, request: Request, parameters: Mapping[str, str]) -> Answer:
        if not way.bucket.take():
            return TOO_MANY_REQUESTS
        event = event_of(request, way.route.key, parameters)
        refusal = None if way.route.is_open else self._refusal(request, event)
        answer = refusal or self._call(self._functions[way.route.function], event)
        named = ("apigw-requestid", event["requestContext"]["requestId"])
        return replace(answer, headers=(*answer.headers, named))

    def _refusal(self, request: Request, event: Event) -> Answer | None:
        """None for a caller who may pass: the event then says who that is."""
        authorization = request.header("Authorization")
        if not authorization:
            return UNAUTHORIZED
        try:
            verdict = self._door.judge(event, authorization)
        except (Crashed, Unavailable):
            return SERVER_ERROR
        if not verdict.is_authorized:
            return FORBIDDEN
        event["requestContext"]["authorizer"] = {"lambda": verdict.context}
        return None

    def _call(self, function: Invoke, event: Event) -> Answer:
        try:
            return answer_of(function(event))
        except Unavailable:
            return UNAVAILABLE
        except Crashed:
            return SERVER_ERROR
        except Rubbish:
            _logger.exception("%s was answered with rubbish", event["routeKey"])
            return SERVER_ERROR


@dataclass(frozen=True, slots=True)
class _Way:
    """A route and what it still takes."""

    route: Route
    bucket: Bucket

    def vagueness(self) -> list[bool]:
        """Sorts the routes by how much they leave open, from their first part on."""
        return [_is_parameter(part) for part in self.route.path.split("/")]

    def parameters(self, request: Request) -> dict[str, str] | None:
        """The request's path parameters, decoded; None where it is not for this route."""
        wanted, given = self.route.path.split("/"), request.path.split("/")
        if request.method != self.route.method or len(wanted) != len(given):
            return None
        found = {}
        for name, part in zip(wanted, map(unquote, given), strict=True):
            if _is_parameter(name) and part:
                found[name[1:-1]] = part
            elif name != part:
                return None
        return found


def _is_parameter(part: str) -> bool:
    return part.startswith("{")
