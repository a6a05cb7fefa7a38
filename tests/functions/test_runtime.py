"""The built functions in the runtime that AWS runs them in, against the local stack's services."""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from autoretrain_local.template import read_plan
from autoretrain_local.token_file import local_token
from tests.functions.conftest import Running, event, now
from tests.sam import SCAN

RUNTIME = SCAN / "runtime"
SECONDS = 60

Invoke = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="session")
def emulator() -> Path:
    """What runs the runtime where there is no Lambda; it comes with sam."""
    found = list(SCAN.glob("lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"))
    if sys.platform != "linux" or platform.machine() != "x86_64" or not found:
        pytest.skip("the Lambda runtime needs Linux on x86_64")
    return found[0]


@pytest.fixture
def invoke(
    running: Running, build: Path, python: Path, emulator: Path
) -> Callable[[str, dict[str, Any]], Any]:
    """Run a built function once, in a new environment."""

    def run(name: str, given: dict[str, Any]) -> Any:
        with deployed(emulator, python, build, name) as ask:
            return ask(given)

    return run


@contextmanager
def deployed(emulator: Path, python: Path, build: Path, name: str) -> Iterator[Invoke]:
    port, runtime_port = free_port(), free_port()
    command: list[str | Path] = [
        emulator,
        *("--log-level", "error"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
        # Without site-packages: what is not in the layer or the runtime is not there at all.
        *(python, "-S", "-m", "awslambdaric", "app.handler"),
    ]
    with subprocess.Popen(
        command, cwd=build / name, env=environment(build, name), process_group=0
    ) as process:
        try:
            wait_for(process, port)
            yield lambda given: ask(port, given)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def environment(build: Path, name: str) -> dict[str, str]:
    """What the template declares, what Lambda adds, and the way to the local services."""
    declared = read_plan().functions[name].variables
    folder, layer = build / name, build / "CoreLayer" / "python"
    return {
        **{variable: os.environ[variable] for variable in declared},
        **{variable: os.environ[variable] for variable in os.environ if variable[:4] == "AWS_"},
        "PATH": os.environ["PATH"],
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "LAMBDA_TASK_ROOT": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, (folder, layer, RUNTIME))),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(SECONDS),
    }


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        with socket.socket() as opened:
            if opened.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError(f"the runtime ended with exit code {process.returncode}")


def ask(port: int, given: dict[str, Any]) -> Any:
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    with urllib.request.urlopen(url, json.dumps(given).encode(), SECONDS) as response:
        answer = json.loads(response.read())
    assert not (isinstance(answer, dict) and "errorType" in answer), answer
    return answer


def said(answer: Any, status: int) -> Any:
    assert answer["statusCode"] == status, answer
    return json.loads(answer["body"])


def test_authorizer_lets_in_whoever_has_a_token(
    invoke: Callable[..., Any], running: Running, tmp_path: Path
) -> None:
    token = local_token(running.world.url, tmp_path)
    sample = event("authorizer")

    known = invoke("AuthorizerFunction", sample | {"identitySource": [f"Bearer {token}"]})

    assert known["isAuthorized"] is True
    assert known["context"]["user_id"] == str(UUID(int=1))
    assert known["context"]["scopes"] == "read retrain manage"
    assert known["context"]["token_id"] == token.split("_")[1]
    assert invoke("AuthorizerFunction", sample)["isAuthorized"] is False


def test_api_is_well(invoke: Callable[..., Any]) -> None:
    answer = invoke("ApiFunction", event("api_health"))
    assert said(answer, 200) == {"ok": True, "version": "0.1.0", "problems": []}


def test_api_trains_when_it_is_told_to(invoke: Callable[..., Any], running: Running) -> None:
    sample = event("api_retrain")
    strategy = running.due("due", strategy_id=UUID(sample["pathParameters"]["id"]))

    answer = said(invoke("RetrainFunction", sample), 202)

    assert (answer["should_retrain"], answer["retrained"]) == (True, False)
    running.stack.settle()
    (run,) = running.runs(strategy)
    assert (str(run.id), run.status) == (answer["training_run"]["id"], "succeeded")


def test_dispatcher_has_every_strategy_checked(
    invoke: Callable[..., Any], running: Running
) -> None:
    strategy = running.due("due")

    answer = invoke("DispatcherFunction", event("scheduled") | {"time": now()})

    assert answer["checking"] == 1
    running.stack.settle()
    (run,) = running.runs(strategy)
    assert run.status == "succeeded"


def test_condition_check_launches_a_trainer(invoke: Callable[..., Any], running: Running) -> None:
    strategy = running.due("due")
    hour = now()[:13] + ":00:00+00:00"

    answer = invoke("ConditionCheckFunction", {"strategy_ids": [str(strategy)], "slot": hour})

    assert answer == {"checked": 1, "stale": False}
    running.stack.settle()
    assert [run.status for run in running.runs(strategy)] == ["succeeded"]


def test_task_stopped_takes_any_trainer(invoke: Callable[..., Any]) -> None:
    assert invoke("TaskStoppedFunction", event("task_stopped_oom")) == {"ended": 0}
