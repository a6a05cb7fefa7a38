"""Everything built by `sam build`, the trainer's image too, and a local stack for it to work on."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoretrain_local.template import TEMPLATE
from tests.loop.conftest import Command, finished, started
from tests.loop.test_up import write_trades
from tests.sam import SCAN, TIMES, sam_build
from tests.world import World

TRAINER_IMAGE = "trainerfunction:trainer"
ZIP_IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
EVENTS = TEMPLATE.parent / "events"
COMPLETE = "Auto-retrain check complete"


@dataclass
class Stack:
    """A stack that is up, with one strategy that has trades to learn from and no model yet."""

    command: Command
    data: Path
    build: Path
    pull: tuple[str, ...]

    @property
    def world(self) -> World:
        return World(json.loads((self.data / "stack.json").read_text())["database_url"])

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """What the function returns, by the very command of the documentation."""
        file = self.data / "event.json"
        file.write_text(json.dumps(event))
        done = subprocess.run(
            [
                *(SCAN / "bin/sam", "local", "invoke", function, "--event", file),
                *("--template-file", self.build / "template.yaml"),
                *("--config-file", TEMPLATE.with_name("samconfig.toml")),
                *("--env-vars", self.data / "env.json"),
                *self.pull,
            ],
            capture_output=True,
            text=True,
            env=os.environ | {"SAM_CLI_TELEMETRY": "0"},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout.splitlines()[-1])
        assert "errorType" not in answer, done.stdout + done.stderr
        return answer


def sample(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


@pytest.fixture(scope="session")
def everything(
    python: Path,
    sam_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Path:
    target, begun = tmp_path_factory.mktemp("everything"), time.monotonic()
    sam_build(to=target, python=python, cache=sam_cache)
    seconds, size = time.monotonic() - begun, _image_bytes(TRAINER_IMAGE) or 0
    line = f"sam build {seconds:.0f} s, the trainer's image {size / 1_000_000:.0f} MB"
    pytestconfig.stash.setdefault(TIMES, []).append(line)
    return target


def _image_bytes(name: str) -> int | None:
    """None where the engine does not have the image."""
    program = "import docker, sys; print(docker.from_env().images.get(sys.argv[1]).attrs['Size'])"
    asked: list[str | Path] = [SCAN / "bin/python", "-c", program, name]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else None


@pytest.fixture(scope="session")
def pull() -> tuple[str, ...]:
    """An image that is here is not asked for: the registry may be far away."""
    return ("--skip-pull-image",) if _image_bytes(ZIP_IMAGE) else ()


@pytest.fixture(scope="session")
def stack(
    everything: Path, pull: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    data = tmp_path_factory.mktemp("local")
    with started("up", "--data", data, "--port", "0") as command:
        command.until(COMPLETE)
        trades = write_trades(data / "trades.csv", 200)
        imported = finished("import-trades", trades, "--strategy", "momentum", "--data", data)
        assert imported.returncode == 0, imported.stderr
        yield Stack(command, data, everything, pull)
