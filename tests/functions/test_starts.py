"""How the built functions start and go on, each in one environment of the Lambda runtime."""

from __future__ import annotations

import json
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import UUID

import pytest

from autoretrain_local.stack import LocalStack
from autoretrain_local.template import read_plan
from tests.conftest import cloned
from tests.functions.conftest import event, now
from tests.functions.lambda_runtime import BuiltFunctions
from tests.sam import TIMES
from tests.world import World

WARM_CALLS = 5
NOBODY = str(UUID(int=7))
HOUR = now()[:13] + ":00:00+00:00"
# What no function needs that runs every hour; Powertools' Tracer is aws_xray_sdk's.
SLOW = {"pydantic", "httpx", "aws_xray_sdk", "jwt", "cryptography"}


class CloudFormation:
    """Takes what custom resources answer."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        told = self.told

        class Exchange(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """A test says enough."""

        self.server = HTTPServer(("127.0.0.1", 0), Exchange)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="module")
def cloud_formation() -> Iterator[CloudFormation]:
    taker = CloudFormation()
    with taker.server:
        threading.Thread(target=taker.server.serve_forever, args=(0.02,)).start()
        yield taker
        taker.server.shutdown()


@pytest.fixture(scope="module")
def world(
    postgres: Any, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A local stack with nothing to do, for all of these tests."""
    for url in cloned(postgres, templates["tables"]):
        with LocalStack(url, tmp_path_factory.mktemp("stack"), lambda _line: None):
            yield World(url)


def http(status: int) -> Any:
    return lambda answer: answer["statusCode"] == status


CALLS: dict[str, tuple[dict[str, Any], Any]] = {
    "DispatcherFunction": (event("scheduled"), lambda answer: answer["checking"] == 0),
    "ConditionCheckFunction": (
        {"strategy_ids": [NOBODY], "slot": HOUR},
        lambda answer: answer == {"checked": 0, "stale": False},
    ),
    "TaskStoppedFunction": (event("task_stopped_oom"), lambda answer: answer == {"ended": 0}),
    "ApiFunction": (event("api_health"), http(200)),
    "RetrainFunction": (event("api_retrain"), http(404)),
    "AuthorizerFunction": (event("authorizer"), lambda answer: answer["isAuthorized"] is False),
    "DeploymentFunction": (
        event("deployment_schema_create"),
        lambda answer: answer["Status"] == "SUCCESS",
    ),
}


def test_every_function_is_called_here() -> None:
    assert CALLS.keys() == read_plan().functions.keys()


@pytest.mark.parametrize("function", CALLS)
def test_function_answers_cold_and_warm(
    world: World,
    built: BuiltFunctions,
    cloud_formation: CloudFormation,
    pytestconfig: pytest.Config,
    function: str,
) -> None:
    given, expected = CALLS[function]
    if "ResponseURL" in given:
        given = given | {"ResponseURL": cloud_formation.url}
    seconds = []
    with built.deployed(function) as call:
        for _ in range(1 + WARM_CALLS):
            begun = time.perf_counter()
            answer = call(given)
            seconds.append(time.perf_counter() - begun)
            assert expected(answer), answer
    cold, warm = seconds[0] * 1000, statistics.median(seconds[1:]) * 1000
    line = f"{function:24} cold {cold:5.0f} ms, warm {warm:5.1f} ms"
    pytestconfig.stash.setdefault(TIMES, []).append(line)


def test_deployment_tells_cloud_formation_the_version_of_the_schema(
    world: World, built: BuiltFunctions, cloud_formation: CloudFormation
) -> None:
    cloud_formation.told.clear()

    created = event("deployment_schema_create") | {"ResponseURL": cloud_formation.url}
    built.invoke("DeploymentFunction", created)

    (told,) = cloud_formation.told
    (newest,) = world.run("SELECT max(name) AS name FROM autoretrain.schema_migrations")
    assert (told["Status"], told["Data"]["SchemaVersion"]) == ("SUCCESS", newest.name[:4])


@pytest.mark.parametrize(
    ("function", "clients"),
    [
        ("DispatcherFunction", ["secretsmanager"]),
        ("ConditionCheckFunction", ["secretsmanager"]),
    ],
)
def test_hourly_function_loads_and_makes_only_what_its_path_needs(
    world: World, built: BuiltFunctions, function: str, clients: list[str]
) -> None:
    program = (
        "import boto3, json, sys\n"
        "from types import SimpleNamespace\n"
        "real, made = boto3.client, []\n"
        "boto3.client = lambda name, **more: made.append(name) or real(name, **more)\n"
        "context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)\n"
        "import app\n"
        "app.handler(json.loads(sys.argv[1]), context)\n"
        "print(json.dumps([made, sorted(sys.modules)]))\n"
    )
    ran = subprocess.run(
        [built.python, "-S", "-c", program, json.dumps(CALLS[function][0])],
        env=built.environment(function),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    made, modules = json.loads(ran.stdout.splitlines()[-1])
    assert sorted(made) == clients
    assert {name.split(".")[0] for name in modules} & SLOW == set()
