"""The functions in the local stack: real Postgres, real Lambda invoke, an ECS that does as told."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from autoretrain_local.facts import read_fact
from autoretrain_local.stack import LocalStack
from tests.functions.lambda_runtime import BuiltFunctions
from tests.sam import SCAN
from tests.world import World

EVENTS = Path(__file__).parents[2] / "events"


@dataclass
class Running:
    """A local stack, what it logged, and the user's world."""

    stack: LocalStack
    world: World
    lines: list[str] = field(default_factory=list)

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        outcome = self.stack.functions.invoke(function, event)
        assert outcome.error is None, outcome.payload
        return json.loads(outcome.payload)

    def facts(self, message: str) -> list[dict[str, Any]]:
        found = [read_fact(line) for line in list(self.lines)]
        return [dict(fact) for fact in found if fact and fact["message"] == message]

    def due(self, name: str, count: int = 120, strategy_id: UUID | None = None) -> UUID:
        made = self.world.strategy(name, **({"id": strategy_id} if strategy_id else {}))
        self.world.trades(made, [1.0, -1.0] * (count // 2))
        return made

    def runs(self, strategy_id: UUID) -> list[Any]:
        return self.world.run(
            "SELECT * FROM autoretrain.training_runs WHERE strategy_id = %s ORDER BY queued_at",
            strategy_id,
        )


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


def now() -> str:
    return datetime.now(UTC).isoformat()


@contextmanager
def running_on(url: str, data: Path) -> Iterator[Running]:
    lines: list[str] = []
    with LocalStack(url, data, lines.append) as stack:
        yield Running(stack, World(url), lines)


@pytest.fixture
def running(clone: str, tmp_path: Path) -> Iterator[Running]:
    with running_on(clone, tmp_path) as up:
        yield up


@pytest.fixture(scope="session")
def built(build: Path, python: Path) -> BuiltFunctions:
    """The emulator runs the runtime where there is no Lambda; it comes with sam."""
    found = list(SCAN.glob("lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"))
    if sys.platform != "linux" or platform.machine() != "x86_64" or not found:
        pytest.skip("the Lambda runtime needs Linux on x86_64")
    return BuiltFunctions(build, python, found[0])
