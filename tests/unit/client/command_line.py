"""The command line as a person meets it, with an API that answers each route as a test has written
down."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from autoretrain_client import Client
from tests.unit.client.scripted import RUN, STRATEGY, URL, Answer, answer, strategy

NAME = "Mean Reversion BTC"
OTHER = "00000000-0000-0000-0000-00000000000b"
ALL = "/api/ai-strategies"
ONE = f"{ALL}/{STRATEGY}"
OF_RUN = f"/training-runs/{RUN}"
_STAGES = ("/prod", "/stage")


class Done(NamedTuple):
    """How a command ended, and what it has printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal(io.StringIO):
    """Somebody looks at what is printed."""

    def isatty(self) -> bool:
        return True


CommandLine = Callable[..., Done]
Look = Callable[[str, int], Terminal]
"""Makes a stream a terminal of so many columns."""


@dataclass
class Api:
    """Each route has its answers, in turn; the last goes on for ever. Others there are none."""

    routes: dict[str, Sequence[Answer]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    connected: list[tuple[str | None, str | None]] = field(default_factory=list)
    before: Callable[[httpx.Request], None] = lambda _: None

    def connect(self, url: str | None, token: str | None) -> Client:
        self.connected.append((url, token))
        transport = httpx.MockTransport(self._handle)
        known = url or os.environ.get("AUTORETRAIN_URL") or URL
        return Client(known, token, transport=transport, sleep=lambda _: None)

    def says(self, route: str, *answers: Answer) -> None:
        self.routes[route] = answers

    def said(self) -> list[str]:
        return [_route(request) for request in self.requests]

    def body(self, route: str) -> Any:
        """What the newest request of that route has sent."""
        sent = [each.content for each in self.requests if _route(each) == route]
        return json.loads(sent[-1])

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.before(request)
        answers = self.routes.get(_route(request), [answer({"message": "Not Found"}, 404)])
        found = answers[min(self.said().count(_route(request)), len(answers)) - 1]
        if isinstance(found, httpx.Response):
            sent = httpx.ByteStream(found.content)  # not read yet, as from a network
            return httpx.Response(found.status_code, headers=found.headers, stream=sent)
        raise found("it did not work", request=request)


def _route(request: httpx.Request) -> str:
    path = request.url.path
    for stage in _STAGES:
        path = path.removeprefix(stage)
    return f"{request.method} {path}"


def page(*items: Any) -> httpx.Response:
    """A list of all there is."""
    return answer({"items": list(items), "next": None})


def summary(name: str = NAME, strategy_id: str = STRATEGY, **changes: Any) -> dict[str, Any]:
    """A line of the list of strategies, as the API writes it."""
    written: dict[str, Any] = {
        "id": strategy_id,
        "name": name,
        "is_active": True,
        "ml_training_enabled": True,
        "ml_model_version": "v2",
        "ml_model_trained_at": "2026-11-16T10:00:00Z",
        "accuracy": 0.68,
        "paused_reason": None,
        "pinned_version": None,
        "waiting_version": None,
        "failures": 0,
        "next_eligible_at": None,
        "last_decision": None,
        "live_run": None,
    }
    return written | changes


def whole(**changes: Any) -> dict[str, Any]:
    """A strategy as the API writes it, not pinned and without a run unless the changes say so."""
    return strategy() | {"name": NAME, "pin": None, "live_run": None} | changes
