"""A task's end, as ECS tells of it: too late, too often, of the wrong attempt."""

from __future__ import annotations

from typing import Any

import pytest

from autoretrain.storage.database import TRAINER
from autoretrain.storage.training import TrainBooks
from autoretrain_local.ecs_endpoint import OUT_OF_MEMORY, Stop
from autoretrain_trainer.__main__ import own_task
from tests.faults.loop import HOUR, MINUTE, Loop
from tests.faults.rows import row

SPOT = Stop("SpotInterruption", "Your Spot Task was interrupted.", exit_code=143)
CRASHED = Stop("EssentialContainerExited", "Essential container in task exited", exit_code=137)


def stopped(loop: Loop, *played: Stop) -> Any:
    """The check of a due strategy whose task ends so, and the strategy."""
    strategy_id = loop.due()
    loop.ecs.script(*played)
    loop.tick()
    loop.ecs.join_all()
    return strategy_id


@row("F17")
def test_trainer_that_ran_out_of_memory_fails_its_run_and_says_what_to_raise(loop: Loop) -> None:
    strategy_id = stopped(loop, OUT_OF_MEMORY)

    loop.deliver_all()

    run = loop.run(strategy_id)
    assert (run.status, run.error_code) == ("failed", "out_of_memory")
    assert "Raise TrainerMemory" in run.error_message
    loop.pass_by(HOUR - MINUTE)
    loop.tick()
    assert len(loop.runs(strategy_id)) == 1
    loop.pass_by(2 * MINUTE)
    loop.passed += HOUR  # an hour's slot is used once
    loop.tick()
    assert [run.status for run in loop.runs(strategy_id)] == ["failed", "starting"]


@row("F29")
def test_task_that_stops_before_anybody_heard_that_it_runs_ends_its_run_once(loop: Loop) -> None:
    strategy_id = stopped(loop, SPOT)
    begins, ends = loop.told

    for event in [ends, begins, ends, ends]:
        loop.deliver(event)

    run = loop.run(strategy_id)
    assert (run.status, run.attempt, run.error_code) == ("queued", 2, "interrupted")


@row("F29")
@pytest.mark.parametrize("stop", [SPOT, CRASHED, OUT_OF_MEMORY], ids=["spot", "killed", "oom"])
def test_task_that_stops_after_its_run_has_succeeded_changes_nothing(
    loop: Loop, stop: Stop
) -> None:
    strategy_id = stopped(loop, stop)
    task_arn = loop.run(strategy_id).task_arn
    loop.train(loop.run(strategy_id).id, task_arn)

    for event in loop.told * 2:
        loop.deliver(event)

    assert loop.run(strategy_id).status == "succeeded"
    assert loop.active(strategy_id) == ["v1"]


@row("F29")
def test_stop_of_an_earlier_attempts_task_is_not_the_present_ones(loop: Loop) -> None:
    strategy_id = stopped(loop, CRASHED)
    loop.pass_by(11 * MINUTE)
    loop.tick()  # finds no sign of life, and launches the next attempt
    assert loop.run(strategy_id).attempt == 2

    earlier = loop.told[:2]
    for event in earlier * 2:
        assert loop.deliver(event) == 0

    run = loop.run(strategy_id)
    assert (run.status, run.attempt) == ("starting", 2)


@row("F38")
def test_run_ends_on_the_image_that_it_began_with_whatever_is_deployed_meanwhile(
    loop: Loop,
) -> None:
    first, second = loop.due(), loop.due()
    old, new = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    loop.deploy(old)
    loop.check(first)
    task = own_task(loop.metadata_of(loop.run(first).task_arn))
    assert [*task] == [loop.run(first).task_arn, old]
    training = TrainBooks(loop.database(TRAINER), task.image).begin(loop.run(first).id, task.arn)
    assert training is not None

    loop.deploy(new)
    loop.check(second)

    begun, next_begun = loop.run(first), loop.run(second)
    assert (begun.status, begun.image) == ("running", old)
    assert own_task(loop.metadata_of(begun.task_arn)).image == old
    assert own_task(loop.metadata_of(next_begun.task_arn)).image == new
