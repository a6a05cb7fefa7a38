"""The deployment's function, and a real HTTP endpoint that takes its answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import boto3
import pytest

from autoretrain_local.aws import MotoAws
from autoretrain_local.imports import Imports
from tests.functions.conftest import event

APP = Path(__file__).parents[3] / "functions" / "deployment" / "app.py"


@dataclass
class Context:
    """Lambda's, with so much time left."""

    seconds: float = 100.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Aws:
    """CloudFormation's address that takes an answer, and Lambda's that knows functions."""

    url: str
    statuses: list[int] = field(default_factory=list)
    functions: dict[str, tuple[int, Any]] = field(default_factory=dict)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    answered: threading.Event = field(default_factory=threading.Event)

    def take(self, content_type: str, body: bytes) -> int:
        self.taken.append((content_type, body))
        self.answered.set()
        return self.statuses.pop(0) if self.statuses else 200

    @property
    def answer(self) -> Any:
        (_, body), *others = self.taken
        assert others == []
        return json.loads(body)


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoAws]:
    with MotoAws(tmp_path_factory.mktemp("aws")) as made:
        yield made


@pytest.fixture
def aws(moto: MotoAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    class Exchange(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._send(made.take(self.headers["Content-Type"], body), b"")

        def do_GET(self) -> None:
            name = unquote(self.path.rpartition("/")[2])
            status, answer = made.functions[name]
            self._send(status, json.dumps(answer).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """A test says enough."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Exchange) as server:
        made = Aws(f"http://127.0.0.1:{server.server_port}")
        for name, value in moto.environment(made.url).items():
            monkeypatch.setenv(name, value)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def log() -> StringIO:
    return StringIO()


@pytest.fixture
def app(aws: Aws, log: StringIO) -> Iterator[ModuleType]:
    imports = Imports()
    fresh = imports.fresh(APP)
    fresh.logger.registered_handler.setStream(log)
    yield fresh
    imports.close()


@pytest.fixture
def secret(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the stack's database secret."""

    def make(url: str) -> None:
        text = json.dumps({"url": url})
        client = boto3.client("secretsmanager")
        arn = client.create_secret(Name=str(uuid4()), SecretString=text)["ARN"]
        monkeypatch.setenv("DATABASE_SECRET_ARN", arn)

    return make


def schema_event(aws: Aws, **changes: Any) -> dict[str, Any]:
    return event("deployment_schema_create") | {"ResponseURL": f"{aws.url}/answer"} | changes


def image_event(aws: Aws, **changes: Any) -> dict[str, Any]:
    return event("deployment_image_update") | {"ResponseURL": f"{aws.url}/answer"} | changes
