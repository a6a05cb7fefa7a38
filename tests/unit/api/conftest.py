"""The handler with people in memory, and events as API Gateway sends them."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from autoretrain import bootstrap
from autoretrain_api.people import people
from tests.unit.api.people import STRATEGY, USER, FakePeople

# mypy knows the file as `app` only, as Lambda does.
handler = importlib.import_module("functions.api.app").handler

SETTINGS = {
    "DATABASE_SECRET_ARN": "arn",
    "ECS_CLUSTER": "cluster",
    "TRAINER_TASK_DEFINITION": "trainer",
    "TRAINER_SUBNETS": "subnet-1",
    "TRAINER_SECURITY_GROUPS": "sg-1",
    "TRAINER_ASSIGN_PUBLIC_IP": "DISABLED",
    "TRAINER_SPOT": "false",
    "MAX_CONCURRENT_TASKS": "2",
    "MODEL_BUCKET": "models",
    "RUNS_PER_HOUR": "20",
}


@dataclass(frozen=True)
class Told:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.json["error"]["message"])


def event(method: str, path: str, scopes: str, headers: dict[str, str]) -> dict[str, Any]:
    """Payload 2.0, as the HTTP API sends it behind its authorizer."""
    context = {"user_id": str(USER), "scopes": scopes, "kind": "token", "token_id": "abcd1234"}
    path, _, query = path.partition("?")
    parameters = dict(pair.split("=", 1) for pair in query.split("&") if pair)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"authorization": "Bearer arp_abcd1234_secret", **headers},
        "queryStringParameters": parameters,
        "isBase64Encoded": False,
        "requestContext": {
            "stage": "$default",
            "requestId": "req-1",
            "timeEpoch": int(time.time() * 1000),
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
            "authorizer": {"lambda": context},
        },
    }


@dataclass
class Api:
    people: FakePeople

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        scopes: str = "read retrain manage",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Told:
        """A body that is not text is sent as JSON; `{id}` is the strategy's."""
        filled = path.replace("{id}", str(STRATEGY))
        asked = event(method, filled, scopes, headers or {}) | more
        if body is not None:
            asked["body"] = body if isinstance(body, str) else json.dumps(body)
        answer = handler(asked, None)
        return Told(answer["statusCode"], answer["headers"], answer["body"])


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    fakes = FakePeople()
    monkeypatch.setattr(bootstrap, "people", lambda _settings: fakes)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    people.cache_clear()
    yield Api(fakes)
    people.cache_clear()
