"""A running stack to be called with whatever, and what it logs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from autoretrain_local import first_token
from autoretrain_local.account import SignIn
from autoretrain_local.imports import Imports
from autoretrain_local.stack import LocalStack
from autoretrain_local.template import read_plan
from autoretrain_trainer import on_lambda
from tests.signers import JWT_SECRET, key_set, public_keys
from tests.world import USER, World

FUNCTIONS = Path(__file__).parents[2] / "functions"
IGNORED = "auto-retrain event ignored"


@dataclass
class Site:
    """A running stack, one user with a strategy and a token, and what is logged."""

    stack: LocalStack
    issuer: str
    token: str
    strategy_id: UUID
    world: World
    imports: Imports
    lines: list[str] = field(default_factory=list)

    def app(self, name: str) -> ModuleType:
        return self.imports.fresh(FUNCTIONS / name / "app.py")

    def ignored(self) -> int:
        """How many events the log has called so since the last look."""
        told, self.lines[:] = [json.loads(line) for line in self.lines], []
        counted = sum(fact.get("IgnoredEvents", [0])[0] for fact in told)
        assert counted == sum(fact.get("message") == IGNORED for fact in told)
        return int(counted)

    def asked(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        """As it is: no library tidies the path or the headers."""
        connection = http.client.HTTPConnection(urlsplit(self.stack.url).netloc, timeout=60)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content


@contextmanager
def running(url: str, data: Path) -> Iterator[Site]:
    """On this database; its throttle lets everything pass."""
    lines: list[str] = []
    plan = read_plan()
    eager = replace(plan, api=replace(plan.api, rate_per_second=1e6, burst=1_000_000))
    with _issuer() as issuer:
        sign_in = SignIn(issuer, jwt_secret=JWT_SECRET)
        with LocalStack(url, data, lines.append, eager, sign_in=sign_in) as up:
            world, imports = World(url), Imports()
            token = first_token.create(url, USER, "test")
            on_lambda.working.cache_clear()
            on_lambda.wishes.cache_clear()
            yield Site(up, issuer, token, world.strategy(), world, imports, lines)
            imports.close()


@contextmanager
def _issuer() -> Iterator[str]:
    """Whoever signs web tokens, with all its public keys."""

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(key_set(public_keys()))

        def log_message(self, *_: Any) -> None:
            """A test says enough."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{server.server_port}/auth/v1"
        server.shutdown()
