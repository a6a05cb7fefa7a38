"""What the work needs of whatever is limited, and what to raise where there is not enough."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from autoretrain_client.cost import workload as assumed
from autoretrain_client.cost.workload import SECONDS, Workload

DISPATCHER_TIMEOUT_SECONDS = 600
STOPS_SENDING_SECONDS = 20
"""Before its time is over: the rest is for notifications, and for ending in order."""
API_RATE_LIMIT = 50
NEW_ACCOUNT_CONCURRENCY = 10
NEW_ACCOUNT_FARGATE_CORES = 6
BUSY_SHARE = 0.8
"""Of an hour, that trainers may be planned to work: the rest is for runs that come in bunches."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`has` is None where it is not ours to know."""

    name: str
    needs: float
    has: float | None
    unit: str
    advice: str

    @property
    def is_enough(self) -> bool:
        return self.has is None or self.needs <= self.has


def limits(work: Workload) -> list[Limit]:
    """Everything that may be short, each with what to do about it."""
    return [*_of_the_stack(work), *_of_the_account(work)]


def trainers_needed(work: Workload) -> int:
    """So many trainers get each hour's runs done within it."""
    free = 3600 * BUSY_SHARE - assumed.TASK_START_SECONDS
    return max(1, math.ceil(work.runs_per_hour * work.training_seconds / free))


def _of_the_stack(work: Workload) -> Iterator[Limit]:
    yield Limit(
        "Handing out a tick",
        work.tick_seconds,
        DISPATCHER_TIMEOUT_SECONDS - STOPS_SENDING_SECONDS,
        "s",
        "raise StrategiesPerCheck, or ChecksPerSecond",
    )
    yield Limit(
        "Trainers at once",
        trainers_needed(work),
        work.max_concurrent_tasks,
        "trainers",
        "raise MaxConcurrentTasks",
    )
    yield Limit(
        "Requests of bots",
        work.polls / SECONDS,
        API_RATE_LIMIT,
        "a second",
        "raise ApiRateLimit, or let bots ask less often (poll_seconds)",
    )


def _of_the_account(work: Workload) -> Iterator[Limit]:
    answering = work.polls * assumed.POLL_SECONDS + work.authorizations * assumed.AUTHORIZER_SECONDS
    functions = work.checks_at_once + 1 + answering / SECONDS
    trainers = min(max(1.0, work.runs_per_hour), work.max_concurrent_tasks)
    yield Limit(
        "Functions at once",
        functions,
        NEW_ACCOUNT_CONCURRENCY,
        "functions",
        "ask AWS for more (quota L-B99A9384), or lower ChecksPerSecond",
    )
    yield Limit(
        "Fargate cores at once",
        trainers * work.cpu / 1024,
        NEW_ACCOUNT_FARGATE_CORES,
        "cores",
        "ask AWS for more (quota L-3032A538, Spot L-36FBB829)",
    )
    yield Limit(
        "Database connections",
        functions + trainers,
        None,
        "clients",
        "see what your pooler allows",
    )
