"""Meetings of two services that chance seldom arranges, and what they leave in the books."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from autoretrain.domain.models import Assignment
from autoretrain.domain.runs import Ending, Loss
from autoretrain.storage.checking import CheckBooks
from autoretrain.storage.database import API, TRAINER, Database
from autoretrain.storage.dispatching import DispatchBooks
from autoretrain.storage.training import TrainBooks
from tests.faults.overlap import Connect, overlapping
from tests.lessons import challenger
from tests.storage.conftest import Stack
from tests.world import NOW


class Left(NamedTuple):
    """`first` and `second` are what the services said; `live` are the fences of live runs."""

    first: Any
    second: Any
    fence: int
    live: list[int]
    statuses: list[str]


def due(stack: Stack, name: str = "momentum") -> UUID:
    strategy_id = stack.world.strategy(name)
    stack.world.trades(strategy_id, [1.0, -1.0] * 60)
    return strategy_id


def two_claims(stack: Stack) -> Left:
    request = stack.request(due(stack))

    def claim(connect: Connect) -> object:
        return with_database(connect, API, lambda database: CheckBooks(database).claim(request))

    return _left(stack, *overlapping(stack.url, claim, claim))


def loss_then_publish(stack: Stack) -> Left:
    """The lease is over, the dispatcher takes the run back, and its trainer publishes."""
    assignment = stack.running(due(stack))
    stack.expire_lease(assignment.run_id)
    (run,) = stack.dispatching.expired_runs()

    def lose(connect: Connect) -> object:
        def work(database: Database) -> object:
            ending = Ending(Loss.LOST, message="no sign of life")
            return DispatchBooks(database).end_attempt(run, ending, expired_only=True)

        return with_database(connect, API, work)

    return _left(stack, *overlapping(stack.url, lose, _publishing(assignment)))


def two_publications(stack: Stack) -> Left:
    publish = _publishing(stack.running(due(stack)))
    return _left(stack, *overlapping(stack.url, publish, publish))


def with_database(connect: Connect, role: str, work: Any) -> object:
    database = Database(connect, role)
    try:
        return work(database)
    finally:
        database.close()


def _publishing(assignment: Assignment) -> Any:
    def publish(connect: Connect) -> object:
        return with_database(
            connect,
            TRAINER,
            lambda database: TrainBooks(database).publish(assignment, challenger(), "k", NOW),
        )

    return publish


def _left(stack: Stack, first: Any, second: Any) -> Left:
    runs = stack.world.run("SELECT status, fence FROM autoretrain.training_runs")
    fence = stack.world.one("SELECT fence FROM autoretrain.strategy_training").fence
    live = [run.fence for run in runs if run.status in ("queued", "starting", "running")]
    return Left(first, second, fence, live, [run.status for run in runs])
