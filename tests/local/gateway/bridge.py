"""The bridge over tiny functions, and who talks to it."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from autoretrain_local.gateway.api import HttpApi
from autoretrain_local.gateway.environments import Environments, Handler
from autoretrain_local.gateway.plan import ApiPlan, Route
from autoretrain_local.gateway.server import Server

LIMIT_SECONDS = 30.0
PLAN = ApiPlan(
    routes=(
        Route("GET", "/open", "Things", is_open=True),
        Route("POST", "/open", "Things", is_open=True),
        Route("GET", "/things/{id}", "Things", is_open=False),
        Route("GET", "/things/newest", "Things", is_open=False),
        Route("GET", "/things/{id}/parts/{part}", "Things", is_open=False),
        Route("GET", "/other", "Others", is_open=True),
        Route("GET", "/", "Things", is_open=True),
    ),
    authorizer="Authorizer",
    reauthorize_seconds=60,
    rate_per_second=1,
    burst=1_000,
)
CALLER = {"user_id": "7", "scopes": "read"}
BEARER = {"Authorization": "Bearer good"}


@dataclass(frozen=True)
class Told:
    """What the gateway answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def own(self) -> tuple[int, str | None, bytes]:
        return self.status, self.headers["Content-Type"], self.body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def own(status: int, message: str) -> tuple[int, str, bytes]:
    return status, "application/json", f'{{"message":"{message}"}}'.encode()


@dataclass
class Gateway:
    """The bridge over tiny functions, on a real socket; its clock is set by hand."""

    undo: ExitStack
    seconds: float = 1000.0
    asked: list[Any] = field(default_factory=list)
    host: str = ""

    def serve(self, things: Handler, plan: ApiPlan = PLAN, **others: Any) -> None:
        handlers = {"Things": things, "Others": things, "Authorizer": self._admit} | others
        functions = {
            name: handler if isinstance(handler, Environments) else single(handler)
            for name, handler in handlers.items()
        }
        calls = {name: function.run for name, function in functions.items()}
        api = HttpApi(plan, calls, lambda: self.seconds)
        server = self.undo.enter_context(Server(api.answer, 0))
        self.host = urlsplit(server.url).netloc

    def ask(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Told:
        with closing(self.connect()) as connection:
            return exchange(connection, method, target, headers, body)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, timeout=LIMIT_SECONDS)

    def send(self, raw: bytes, half_close: bool = False) -> bytes:
        """Whatever comes back for these very bytes, until the gateway hangs up."""
        name, _, port = self.host.partition(":")
        with socket.create_connection((name, int(port)), LIMIT_SECONDS) as opened:
            opened.sendall(raw)
            if half_close:
                opened.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: opened.recv(65_536), b""))

    def _admit(self, event: Any, _context: Any) -> Any:
        self.asked.append(event)
        return {"isAuthorized": event["identitySource"] == ["Bearer good"], "context": CALLER}


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> Told:
    connection.request(method, target, body, headers or {})
    response = connection.getresponse()
    return Told(response.status, response.headers, response.read())


def single(handler: Handler, **settings: Any) -> Environments:
    return Environments("function", lambda: handler, LIMIT_SECONDS, **settings)


def echo(event: Any, _context: Any) -> Any:
    """The event itself."""
    return {"statusCode": 200, "body": json.dumps(event)}


def answering(answer: Any) -> Handler:
    return lambda _event, _context: answer


def crash(_event: Any, _context: Any) -> Any:
    raise RuntimeError("no database")
