"""The dispatcher's fan-out, against an endpoint that takes 15 ms, and what growth costs a tick."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import mean, median
from typing import Any
from unittest.mock import patch
from uuid import UUID

import boto3

from autoretrain.aws.invoker import LambdaInvoker
from autoretrain.bootstrap import SENDERS
from autoretrain.domain.json import Json
from autoretrain.domain.work import DueStrategy
from autoretrain.services.check import Checker
from autoretrain.services.dispatch import Dispatched, Dispatcher
from autoretrain.storage.dispatching import DispatchBooks
from bench.performance.aws import aws
from bench.performance.check import checker
from bench.performance.rows import Pair, row
from bench.performance.scene import Scene, execute
from bench.performance.timing import seconds_of
from bench.performance.worlds import Market

ENDPOINT_SECONDS = 0.015
FUNCTION = "condition-check"
MINUTE = 60.0
DUE_EVERY = 50
SAMPLE = 200


class Nothing:
    """Books of a tick that has nothing to do but to send."""

    def __init__(self, strategies: int) -> None:
        self._due = [DueStrategy(UUID(int=number), True) for number in range(strategies)]

    def strategies_to_check(self) -> list[DueStrategy]:
        return self._due

    def enrol_strategies(self) -> None: ...

    def expired_runs(self) -> Sequence[Any]:
        return []

    def paused_strategies(self) -> Sequence[Any]:
        return []

    def forget_old_decisions(self) -> None: ...

    def tick_summary(self, slot: datetime) -> Any:
        return slot


class InPlace:
    """Runs what it is handed at once, as the function would."""

    def __init__(self, made: Checker) -> None:
        self._checker = made

    def invoke(self, event: Json) -> None:
        ids = [UUID(str(one)) for one in event["strategy_ids"]]  # type: ignore[union-attr]
        self._checker.check(ids, datetime.fromisoformat(str(event["slot"])))


@row(
    "fanout.rate",
    "dispatcher's fan-out, one call, against a 15 ms endpoint",
    "ms",
    "boto3 `invoke` in a loop on one thread",
    1 / 5,
)
def _rate(scene: Scene) -> Pair:
    ours, loop, sent = [], [], min(SAMPLE, scene.sizes.sent)
    with _endpoint(scene):
        client = boto3.client("lambda")
        payload = json.dumps({"strategy_ids": [str(UUID(int=1))], "slot": "now"}).encode()

        def in_a_loop() -> None:
            for _ in range(sent):
                client.invoke(FunctionName=FUNCTION, InvocationType="Event", Payload=payload)

        for _ in range(min(3, scene.sizes.rounds)):
            ours.append(seconds_of(lambda: _send_all(sent * 3)) / 3)
            loop.append(seconds_of(in_a_loop))
    return Pair(1e3 * median(ours) / sent, 1e3 * median(loop) / sent)


@row("fanout.minute", "its 10,000 strategies, `ChecksPerSecond` 0", "s", "limit", 1.0)
def _minute(scene: Scene) -> Pair:
    sent = scene.sizes.sent
    with _endpoint(scene):
        seconds = seconds_of(lambda: _send_all(sent))
    return Pair(seconds * 10_000 / sent, MINUTE)


def _grown(place: int) -> None:
    small, large = (("100", "1,000"), ("1,000", "10,000"))[place]

    @row(
        f"growth.{large.replace(',', '')}",
        f"a tick over {large} strategies, 2 % due",
        "s",
        f"over {small}",
        11.0,
    )
    def measure(scene: Scene) -> Pair:
        seconds = scene.once("ticks", lambda: _ticked(scene))
        return Pair(seconds[place + 1], seconds[place])


_grown(0)
_grown(1)


def _ticked(scene: Scene) -> list[float]:
    """Seconds of a tick over each number of strategies, the medians of a few rounds in which they
    take turns. A round has as many of the small ticks as look at the strategies of the middle one:
    one alone is over too soon to be timed on a busy machine."""
    sizes = scene.sizes.ticked
    ticks = [(_tick_over(scene, size), max(1, sizes[1] // size)) for size in sizes]
    rounds = [
        [mean(tick() for _ in range(times)) for tick, times in ticks]
        for _ in range(min(3, scene.sizes.rounds))
    ]
    return [median(taken) for taken in zip(*rounds, strict=True)]


def _tick_over(scene: Scene, strategies: int) -> Callable[[], float]:
    """What tells the seconds of a tick, each time with the same strategies due: what it has started
    is undone."""
    market = Market(strategies, strategies * 200, due_every=DUE_EVERY)
    url = scene.database(f"ticked_{strategies}", market.fill)
    made, books = checker(scene, url), DispatchBooks(scene.opened(url))

    def tick() -> float:
        seconds = seconds_of(lambda: _tick(books, InPlace(made)))
        execute(url, "TRUNCATE autoretrain.training_runs CASCADE", "VACUUM ANALYZE")
        return seconds

    return tick


def _send_all(strategies: int) -> Dispatched:
    """As the function is put together; the client is made anew, as it is in every function."""
    return _tick(Nothing(strategies), LambdaInvoker(FUNCTION, SENDERS), SENDERS)


def _tick(books: Any, invoker: Any, senders: int = 1) -> Dispatched:
    tasks: Any = None  # no run is lost here
    dispatcher = Dispatcher(books, tasks, invoker, 1, checks_per_second=0, senders=senders)
    now = datetime.now(UTC)
    done = dispatcher.tick(now, lambda: 900.0, lambda _strategies: None)
    if done.not_sent:
        raise RuntimeError(f"{done.not_sent} were not sent: {done.not_sent_why}")
    return done


def _endpoint(scene: Scene) -> Any:
    server = scene.entered("slow aws", lambda: aws({"url": ""}, ENDPOINT_SECONDS))
    return patch.dict(os.environ, server.environment())
