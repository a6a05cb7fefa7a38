"""Runs a built function in the runtime that AWS runs it in, on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoretrain_local.template import read_plan
from tests.sam import SCAN

RUNTIME = SCAN / "runtime"
SECONDS = 60

Invoke = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class BuiltFunctions:
    """What `sam build` has built, the python for it, and what emulates Lambda around it."""

    build: Path
    python: Path
    emulator: Path

    @contextmanager
    def deployed(self, name: str) -> Iterator[Invoke]:
        """An environment of the function, for one caller at a time."""
        port, runtime_port = free_port(), free_port()
        command: list[str | Path] = [
            self.emulator,
            *("--log-level", "error"),
            *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
            # Without site-packages: what is not in the layer or the runtime is not there at all.
            *(self.python, "-S", "-m", "awslambdaric", "app.handler"),
        ]
        folder, variables = self.build / name, self.environment(name)
        with subprocess.Popen(command, cwd=folder, env=variables, process_group=0) as process:
            try:
                wait_for(process, port)
                yield lambda given: ask(port, given)
            finally:
                os.killpg(process.pid, signal.SIGKILL)

    def invoke(self, name: str, given: dict[str, Any]) -> Any:
        """Once, in a new environment."""
        with self.deployed(name) as call:
            return call(given)

    def environment(self, name: str) -> dict[str, str]:
        """What the template declares, what Lambda adds, and the way to the local services."""
        declared = read_plan().functions[name].variables
        folder, layer = self.build / name, self.build / "CoreLayer" / "python"
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
