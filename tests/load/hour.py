"""The busiest hour: every strategy is due at once, people use the API, and the next tick comes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import pytest

from autoretrain_local import account
from autoretrain_local.account import DISPATCHER
from autoretrain_local.gateway.environments import MOST
from autoretrain_local.stack import LocalStack
from tests.load.clients import Calls, call_for
from tests.load.market import CROWD, Client, Market
from tests.load.watch import Watch, watching

TASKS = 4
EVENT_FUNCTIONS, API_FUNCTIONS = 3, 3
TICK_SECONDS = 3600.0
_TRAINED = """
SELECT count(*) FROM autoretrain.training_runs
WHERE slot = %(slot)s AND status = 'succeeded' AND strategy_id >= %(crowd)s
"""
_LEFT = """
SELECT count(*) AS runs,
    count(DISTINCT strategy_id) AS strategies,
    count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
    count(*) FILTER (WHERE attempt > 1) AS repeated,
    (SELECT count(*) FROM autoretrain.model_artifacts WHERE strategy_id >= %(crowd)s) AS models
FROM autoretrain.training_runs WHERE strategy_id >= %(crowd)s
"""


@dataclass(frozen=True)
class Sizes:
    """`calls_per_second` are those of all clients together; every `look_seconds` somebody looks how
    far it all is."""

    strategies: int = 5_000
    clients: int = 50
    minutes: float = 5.0
    calls_per_second: float = 10.0
    look_seconds: float = 2.0


SHORT = Sizes(strategies=200, clients=5, minutes=0.2, look_seconds=0.5)


@dataclass
class Hour:
    """What happened; `ticks` are the seconds from each tick until its last check was done, and
    `checked` how many strategies each found to check."""

    sizes: Sizes
    calls: Calls
    watch: Watch
    ticks: list[float]
    checked: list[int]
    training_seconds: float
    runs: int
    strategies: int
    succeeded: int
    repeated: int
    models: int

    @property
    def connections_allowed(self) -> int:
        """One for each function that events start, one for each place of the three that the API
        calls, two for each trainer, and one of this test's own."""
        return EVENT_FUNCTIONS + API_FUNCTIONS * MOST + 2 * TASKS + 1


def play(url: str, data: Path, sizes: Sizes) -> Hour:
    market = Market(url)
    clients = market.clients(sizes.clients)
    with (
        _template_says(MAX_CONCURRENT_TASKS=str(TASKS)),
        LocalStack(url, data, lambda line: None) as stack,
    ):
        _train_twice(stack, clients)
        market.crowd(sizes.strategies)
        with (
            watching(url, sizes.look_seconds) as watch,
            ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere,
        ):
            calls = elsewhere.submit(
                call_for, stack.url, clients, sizes.minutes * 60, sizes.calls_per_second
            )
            return _busy_hour(market, stack, sizes, watch, calls)


def _busy_hour(
    market: Market, stack: LocalStack, sizes: Sizes, watch: Watch, calls: Future[Calls]
) -> Hour:
    begun, slot = time.monotonic(), _slot(1)
    first = _tick(stack, slot)
    _wait_for_half(market, sizes, slot, until=begun + TICK_SECONDS)
    second = _tick(stack, _slot(2))
    stack.settle()
    left = market.ask(_LEFT, crowd=_id(CROWD))
    seconds = time.monotonic() - begun
    ticks, checked = [first[0], second[0]], [first[1], second[1]]
    return Hour(sizes, calls.result(), watch, ticks, checked, seconds, *left)


def _wait_for_half(market: Market, sizes: Sizes, slot: datetime, until: float) -> None:
    """The next tick comes into the middle of the trainings; where they take too long, on time."""
    while _trained(market, slot) < sizes.strategies / 2 and time.monotonic() < until:
        time.sleep(sizes.look_seconds)


def _train_twice(stack: LocalStack, clients: list[Client]) -> None:
    """Whoever wants to roll back has two versions."""
    _tick(stack, _slot(0))
    stack.settle()
    for client in clients:
        _train_by_hand(stack.url, client)
    stack.settle()


def _train_by_hand(url: str, client: Client) -> None:
    answer = httpx.post(
        f"{url}/train-strategy",
        json={"strategy_id": client.strategy_id},
        headers={"Authorization": f"Bearer {client.token}"},
        trust_env=False,
        timeout=60,
    )
    answer.raise_for_status()


def _tick(stack: LocalStack, slot: datetime) -> tuple[float, int]:
    """Seconds until all its checks were done, and how many strategies there were to check."""
    begun = time.monotonic()
    outcome = stack.functions.invoke(DISPATCHER, {"time": slot.isoformat()})
    assert outcome.error is None, outcome.payload
    stack.functions.drain(TICK_SECONDS)
    return time.monotonic() - begun, _checking(outcome.payload)


def _checking(payload: bytes) -> int:
    return int(json.loads(payload)["checking"])


def _slot(hours: int) -> datetime:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return now + timedelta(hours=hours)


def _trained(market: Market, slot: datetime) -> int:
    return int(market.ask(_TRAINED, slot=slot, crowd=_id(CROWD))[0])


def _id(number: int) -> str:
    return f"{number:032x}"


@contextmanager
def _template_says(**parameters: str) -> Iterator[None]:
    settings = account.settings

    def chosen(*given: Any) -> dict[str, str]:
        return settings(*given) | parameters

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "settings", chosen)
        yield
