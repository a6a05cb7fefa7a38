"""Every call to the database, to S3 and to ECS fails once, in every way, in every operation that
matters: whatever is left behind is sound, and trying again does all that was to be done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from uuid import UUID

import pytest

from autoretrain.domain.runs import KILLED, RUNNING_LEASE, STARTING_LEASE
from autoretrain.domain.work import Attempt, Wish
from autoretrain.errors import AutoRetrainError
from autoretrain.services.retrain import Retraining
from autoretrain.services.stop import StoppedTask, Stopper
from autoretrain.storage.asking import AskBooks
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.control import Control
from autoretrain.storage.database import TRAINER
from autoretrain.storage.stopping import StopBooks
from autoretrain.storage.training import TrainBooks
from tests.fakes import FakeCluster
from tests.faults.figures import Figures
from tests.faults.loop import HOUR, MINUTE, Loop
from tests.faults.rows import row
from tests.faults.test_rows_publish import FILES, Taught, better
from tests.faults.weather import Sky, Weather
from tests.faults.wire import Fault, How, Killed
from tests.world import USER

Operation = Callable[[Loop, UUID], object]
Prepared = Callable[[Loop], UUID]
WAYS = [
    pytest.param(how, done, id=f"{how}, {'done' if done else 'undone'}")
    for how in (How.KILLED, How.CUT, How.DOWN)
    for done in (False, True)
]


def in_its_second_hour(loop: Loop) -> UUID:
    loop.start_anew()
    strategy_id = loop.due()
    loop.train(loop.claimed(strategy_id), learner=Taught(better))
    loop.new_trade(strategy_id)
    loop.pass_by(HOUR)
    return strategy_id


def launched(loop: Loop) -> UUID:
    strategy_id = in_its_second_hour(loop)
    loop.check(strategy_id)
    return strategy_id


def with_two_models(loop: Loop) -> UUID:
    """Those of the last time, if there was one: people roll back and forth."""
    held = loop.strategies()
    if not held:
        train(loop, launched(loop))
        return with_two_models(loop)
    (strategy_id,) = held
    Control(loop.database()).activate(USER, strategy_id, "v2", force=True, why="")
    assert loop.active(strategy_id) == ["v2"]
    return strategy_id


def lost(loop: Loop) -> UUID:
    strategy_id = launched(loop)
    loop.pass_by(STARTING_LEASE + MINUTE)
    return strategy_id


def unnoted(loop: Loop) -> UUID:
    """Whoever launched it died before the task was noted."""
    strategy_id = lost(loop)
    loop.bench.run("UPDATE autoretrain.training_runs SET task_arn = NULL WHERE status = 'starting'")
    return strategy_id


def killed(loop: Loop) -> UUID:
    strategy_id = launched(loop)
    run = loop.runs(strategy_id)[-1]
    assert TrainBooks(loop.database(TRAINER)).begin(run.id, run.task_arn) is not None
    return strategy_id


def tick(loop: Loop, strategy_id: UUID) -> None:
    loop.dispatch()


def check(loop: Loop, strategy_id: UUID) -> None:
    for checked in loop.check(strategy_id):
        if checked.error is not None:
            raise checked.error


def ask(loop: Loop, strategy_id: UUID) -> None:
    database = loop.database()
    retraining = Retraining(AskBooks(database), loop.launcher(), DatabaseClock(database), 1000)
    retraining.train(USER, Wish(strategy_id, "asked for by hand", manual=True), None)


def hear_of_the_end(loop: Loop, strategy_id: UUID) -> None:
    run = loop.runs(strategy_id)[-1]
    attempt = Attempt(run.id, run.attempt)
    task = StoppedTask(run.task_arn, attempt, KILLED, "EssentialContainerExited", "killed", "")
    Stopper(StopBooks(loop.database())).stopped(task)


def train(loop: Loop, strategy_id: UUID) -> None:
    run_id = loop.runs(strategy_id)[-1].id
    loop.train(run_id, learner=Taught(better), pause=lambda _: None)


def roll_back(loop: Loop, strategy_id: UUID) -> None:
    Control(loop.database()).activate(USER, strategy_id, "v1", force=False, why="")


def see_it_through(loop: Loop, strategy_id: UUID) -> None:
    """What every hour does, until the strategy's second training is over."""
    for _ in range(3):
        if loop.active(strategy_id) == ["v2"]:
            break
        loop.pass_by(max(STARTING_LEASE, RUNNING_LEASE) + HOUR)
        loop.tick()
        for run in loop.runs(strategy_id):
            if run.status in ("queued", "starting"):
                loop.train(run.id, learner=Taught(better))
    loop.look()
    runs = loop.runs(strategy_id)
    assert [run.status for run in runs] == ["succeeded"] * len(runs)
    assert loop.active(strategy_id) == ["v2"]


def see_it_rolled_back(loop: Loop, strategy_id: UUID) -> None:
    roll_back(loop, strategy_id)
    loop.look()
    assert loop.active(strategy_id) == ["v1"]


OPERATIONS: dict[str, tuple[Prepared, Operation, Operation]] = {
    "tick": (lost, tick, see_it_through),
    "tick, find a task": (unnoted, tick, see_it_through),
    "check, claim and launch": (in_its_second_hour, check, see_it_through),
    "ask, claim and launch": (in_its_second_hour, ask, see_it_through),
    "train and publish": (launched, train, see_it_through),
    "hear of a task's end": (killed, hear_of_the_end, see_it_through),
    "activate": (with_two_models, roll_back, see_it_rolled_back),
}
CALLS_OF_AWS = {
    "tick, find a task": 1,
    "check, claim and launch": 1,
    "ask, claim and launch": 1,
    "train and publish": len(FILES),
}


@row("F3", "F6", "F13", "F22", "F23", "F24")
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("how", "done"), WAYS)
def test_operation_survives_the_failure_of_any_statement_or_commit(
    loop: Loop, figures: Figures, name: str, how: How, done: bool
) -> None:
    prepare, operation, afterwards = OPERATIONS[name]
    wire, loop.cluster = loop.bench.wire, FakeCluster()
    for call in count():
        strategy_id = prepare(loop)
        loop.look()
        before = wire.struck
        with (
            wire.breaking(Fault(how, call, done), lambda _: None),
            suppress(Killed, AutoRetrainError),
        ):
            operation(loop, strategy_id)
        loop.look()
        if wire.struck == before:
            break
        afterwards(loop, strategy_id)
        figures.calls_failed += 1
    assert call > 5


@row("F7", "F10", "F20", "F22")
@pytest.mark.parametrize("name", CALLS_OF_AWS)
@pytest.mark.parametrize("bad", [Sky.BUSY, Sky.SILENT, Sky.LOST])
@pytest.mark.parametrize("times", [1, 3], ids=["once", "until boto3 gives up"])
def test_operation_survives_the_failure_of_any_call_to_aws(
    loop: Loop, bucket: str, sky: Weather, figures: Figures, name: str, bad: Sky, times: int
) -> None:
    prepare, operation, afterwards = OPERATIONS[name]
    for call in count():
        strategy_id = prepare(loop)
        sky.expect(*[Sky.CLEAR] * call, *[bad] * times)
        with suppress(AutoRetrainError):
            operation(loop, strategy_id)
        loop.look()
        struck = len(sky.forecast) < times
        sky.forecast.clear()
        if not struck:
            break
        afterwards(loop, strategy_id)
        figures.calls_failed += 1
    assert call >= CALLS_OF_AWS[name]
