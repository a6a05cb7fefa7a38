from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.load.clients import NO_ANSWER, Calls
from tests.load.figures import GROWTH_MB, promises
from tests.load.hour import TASKS, TICK_SECONDS, Hour, Sizes
from tests.load.watch import POSTGRES, STACK, TRAINER, Watch

ROLLBACK = "POST /api/ai-strategies/{id}/models/v1/activate"
READING = "GET /api/ai-strategies/{id}"
LOOKS = 20


def an_hour() -> Hour:
    """Which has kept everything, but only just."""
    hour = Hour(
        sizes=Sizes(strategies=10, clients=2),
        calls=Calls(Counter({(ROLLBACK, 200): 1, (READING, 404): 1}), [0.1, 0.2]),
        watch=Watch(1.0, busy=TASKS),
        ticks=[TICK_SECONDS - 1] * 2,
        checked=[12, 12],
        training_seconds=60,
        runs=10,
        strategies=10,
        succeeded=10,
        repeated=0,
        models=10,
    )
    hour.watch.connections = hour.connections_allowed
    for kind in (STACK, TRAINER, POSTGRES):
        hour.watch.memory[kind, 1] = [1.0] * (LOOKS // 2) + [GROWTH_MB] * (LOOKS // 2)
    return hour


def grow(kind: str) -> Callable[[Hour], None]:
    return lambda hour: hour.watch.memory[kind, 1].extend([2 * GROWTH_MB] * LOOKS)


def answer(what: str, status: int) -> Callable[[Hour], None]:
    return lambda hour: hour.calls.answers.update({(what, status): 1})


def watch_more(name: str) -> Callable[[Hour], None]:
    return lambda hour: setattr(hour.watch, name, getattr(hour.watch, name) + 1)


def test_hour_that_was_as_it_should_be_keeps_every_promise() -> None:
    assert [told for told, holds in promises(an_hour()) if not holds] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"succeeded": 9},
        {"runs": 11},
        {"models": 11},
        {"strategies": 9},
        {"repeated": 1},
        {"ticks": [1.0, TICK_SECONDS]},
        {"checked": [12, 11]},
        {"calls": Calls(Counter({(READING, 200): 1}), [0.1])},
    ],
    ids=str,
)
def test_hour_that_was_otherwise_breaks_one(changed: dict[str, object]) -> None:
    hour = replace(an_hour(), **changed)  # type: ignore[arg-type]

    assert [holds for _, holds in promises(hour)].count(False) == 1


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(grow(STACK), id="the stack grows"),
        pytest.param(grow(TRAINER), id="a trainer grows"),
        pytest.param(grow(POSTGRES), id="Postgres grows"),
        pytest.param(watch_more("connections"), id="one connection more"),
        pytest.param(watch_more("busy"), id="one trainer more"),
        pytest.param(answer(READING, 500), id="an error"),
        pytest.param(answer(READING, NO_ANSWER), id="no answer"),
    ],
)
def test_anything_that_may_not_happen_breaks_one(happens: Callable[[Hour], None]) -> None:
    hour = an_hour()

    happens(hour)

    assert [holds for _, holds in promises(hour)].count(False) == 1
