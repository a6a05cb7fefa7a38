from __future__ import annotations

from typing import Any

import pytest

from autoretrain.domain.runs import STARTING_LEASE
from autoretrain.errors import DatabaseUnavailable
from autoretrain.metrics import LAUNCH_FAILURES
from autoretrain.services.check import Checked
from autoretrain.services.launch import LaunchOutcome
from autoretrain_local.ecs_endpoint import IMAGE_MISSING, Failure, LostAnswer, Refusal
from functions.condition_check.app import figures_of
from tests.faults.loop import HOUR, MINUTE, Loop
from tests.faults.rows import row
from tests.faults.weather import Weather
from tests.faults.wire import Fault, How

NO_CAPACITY = Failure("Capacity is unavailable at this time. Please try again later.")
THROTTLED = Refusal("ThrottlingException", "Rate exceeded")
TRIES = 3
"""How often boto3 sends a request that fails, all told."""


def outcome(checked: Checked) -> LaunchOutcome:
    assert checked.launch is not None
    return checked.launch.outcome


def failures(loop: Loop) -> list[int]:
    found = loop.world.run("SELECT failures FROM autoretrain.strategy_training")
    return [held.failures for held in found]


def stopped_reason(loop: Loop) -> str | None:
    reason: str | None = loop.world.one("SELECT * FROM autoretrain.launch_control").stopped_reason
    return reason


@row("F7")
def test_launch_whose_answer_was_lost_finds_its_task_with_the_same_token(
    loop: Loop, sky: Weather
) -> None:
    strategy_id = loop.due()
    loop.ecs.script(LostAnswer())

    (checked,) = loop.check(strategy_id)

    assert outcome(checked) is LaunchOutcome.LAUNCHED
    assert (loop.launches(), len(loop.told)) == (2, 1)  # asked twice, one task runs
    assert loop.run(strategy_id).task_arn == loop.told[0]["detail"]["taskArn"]


@row("F7", "F13")
def test_task_that_nobody_heard_of_is_found_by_its_attempt(loop: Loop, sky: Weather) -> None:
    strategy_id = loop.due()
    loop.ecs.script(*[LostAnswer()] * TRIES)
    (checked,) = loop.check(strategy_id)
    assert outcome(checked) is LaunchOutcome.UNKNOWN

    loop.pass_by(STARTING_LEASE + MINUTE)
    (freed,) = loop.tick().freed

    run = loop.run(strategy_id)
    assert (freed.status, run.status, run.attempt) == ("starting", "starting", 1)
    assert [told["detail"]["taskArn"] for told in loop.told] == [run.task_arn]


@row("F8")
@pytest.mark.parametrize("reason", ["RESOURCE:MEMORY", "RESOURCE:CPU", "AGENT"])
def test_launch_that_failed_leaves_the_run_queued_with_the_reason(loop: Loop, reason: str) -> None:
    strategy_id = loop.due()
    loop.ecs.script(Failure(reason))

    (checked,) = loop.check(strategy_id)

    assert outcome(checked) is LaunchOutcome.UNAVAILABLE
    assert figures_of([checked])[LAUNCH_FAILURES] == 1
    run = loop.run(strategy_id)
    assert (run.status, run.attempt) == ("queued", 2)
    assert reason in run.error_message
    loop.pass_by(HOUR)
    loop.tick()
    assert loop.run(strategy_id).status == "starting"


@row("F9")
def test_three_launches_without_capacity_stop_all_but_a_probe(loop: Loop) -> None:
    strategies = [loop.due() for _ in range(5)]
    loop.ecs.script(*[NO_CAPACITY] * 4)

    outcomes = [outcome(checked) for checked in loop.check(*strategies)]

    assert outcomes == [LaunchOutcome.UNAVAILABLE] * 3 + [LaunchOutcome.UNAVAILABLE] + [
        LaunchOutcome.STOPPED
    ]  # the fourth was the probe
    assert "Capacity is unavailable" in (stopped_reason(loop) or "")
    assert failures(loop) == [0] * 5
    assert [outcome(checked) for checked in loop.check(*strategies)] == [LaunchOutcome.STOPPED] * 5

    loop.pass_by(11 * MINUTE)
    probed = [outcome(checked) for checked in loop.check(*strategies)]
    assert sorted(probed) == ["launched", *["stopped"] * 4]
    (begun,) = [one for one in strategies if loop.run(one).status == "starting"]
    loop.train(loop.run(begun).id)
    assert stopped_reason(loop) is None
    assert {loop.run(strategy_id).status for strategy_id in strategies} == {"succeeded"}


@row("F10")
@pytest.mark.parametrize("times", [1, TRIES - 1])
def test_launch_that_is_throttled_is_asked_for_again_after_a_pause(
    loop: Loop, sky: Weather, times: int
) -> None:
    strategy_id = loop.due()
    loop.ecs.script(*[THROTTLED] * times)

    (checked,) = loop.check(strategy_id)

    assert outcome(checked) is LaunchOutcome.LAUNCHED
    assert (loop.launches(), len(sky.pauses), len(loop.told)) == (times + 1, times, 1)


@row("F10")
def test_launch_that_is_throttled_for_longer_is_the_next_ticks(loop: Loop, sky: Weather) -> None:
    strategy_id = loop.due()
    loop.ecs.script(*[THROTTLED] * TRIES)

    (checked,) = loop.check(strategy_id)
    assert (outcome(checked), loop.told) == (LaunchOutcome.UNAVAILABLE, [])
    loop.pass_by(HOUR)
    loop.tick()

    assert (loop.run(strategy_id).status, len(loop.told), failures(loop)) == ("starting", 1, [0])


@row("F11")
@pytest.mark.parametrize(
    "refusal",
    [
        Refusal("AccessDeniedException", "not authorized to perform: ecs:RunTask on resource: x"),
        Refusal("ClientException", "TaskDefinition not found."),
        Refusal("InvalidParameterException", "The subnet ID 'subnet-1' does not exist"),
    ],
    ids=lambda refusal: refusal.code,
)
def test_launch_that_is_refused_stops_launching_and_says_what_is_missing(
    loop: Loop, refusal: Refusal
) -> None:
    first, *others = [loop.due() for _ in range(3)]
    loop.ecs.script(*[refusal] * 9)

    loop.check(first)
    run = loop.run(first)
    assert (run.status, run.error_code) == ("failed", "launch_config")
    assert str(refusal) in run.error_message
    for _ in range(5):
        loop.check(*others)

    assert loop.launches() == 2  # the other is the probe
    assert failures(loop) == [0, 0, 0]
    (told, *_) = loop.world.run("SELECT topic, payload FROM autoretrain.outbox ORDER BY id")
    assert (told.topic, str(refusal) in told.payload["error_message"]) == ("TrainingFailed", True)


@row("F12")
def test_launch_takes_the_task_that_a_conflict_names(loop: Loop, sky: Weather) -> None:
    strategy_id = loop.due()
    loop.ecs.script(*[LostAnswer()] * TRIES)
    loop.check(strategy_id)
    run = loop.run(strategy_id)

    # The same attempt, by a stack whose subnets have changed meanwhile.
    task_arn = loop.fargate("subnet-2").launch(run.id, run.attempt)

    assert [told["detail"]["taskArn"] for told in loop.told] == [task_arn]


@row("F12")
def test_conflict_in_a_check_is_a_launch(loop: Loop) -> None:
    strategy_id = loop.due()
    loop.ecs.script(Refusal("ConflictException", "used before", resourceIds=["arn:task/1"]))

    (checked,) = loop.check(strategy_id)

    assert outcome(checked) is LaunchOutcome.LAUNCHED
    assert loop.run(strategy_id).task_arn == "arn:task/1"


def _lose_the_note(loop: Loop, strategy_id: Any) -> None:
    """The check starts a task and then loses its database."""
    call = 0
    while not loop.launches():
        call += 1
        strategies = loop.bench.wire.breaking(Fault(How.DOWN, call), lambda _: None)
        with strategies:
            try:
                (checked,) = loop.check(strategy_id)
            except DatabaseUnavailable:
                continue
        assert isinstance(checked.error, DatabaseUnavailable)
    run = loop.run(strategy_id)
    assert (run.status, run.task_arn) == ("starting", None)


@row("F13")
def test_trainer_whose_task_nobody_could_note_begins_all_the_same(loop: Loop) -> None:
    strategy_id = loop.due()
    _lose_the_note(loop, strategy_id)
    (told,) = loop.told

    loop.train(loop.run(strategy_id).id, told["detail"]["taskArn"])

    run = loop.run(strategy_id)
    assert (run.status, run.task_arn, loop.launches()) == (
        "succeeded",
        told["detail"]["taskArn"],
        1,
    )


@row("F13")
def test_task_that_nobody_could_note_is_adopted_by_the_tick(loop: Loop) -> None:
    strategy_id = loop.due()
    _lose_the_note(loop, strategy_id)
    (told,) = loop.told

    loop.pass_by(STARTING_LEASE + MINUTE)
    loop.tick()

    run = loop.run(strategy_id)
    assert (run.status, run.task_arn, run.attempt) == ("starting", told["detail"]["taskArn"], 1)
    assert loop.launches() == 1


@row("F14")
def test_task_that_never_starts_is_tried_three_times_with_the_reason(loop: Loop) -> None:
    strategy_id = loop.due()
    loop.ecs.script(*[IMAGE_MISSING] * 3)
    seen = []
    for _ in range(3):
        loop.tick()
        loop.ecs.join_all()
        loop.deliver_all()
        run = loop.run(strategy_id)
        assert "CannotPullContainerError" in run.error_message
        seen.append((run.status, run.attempt, run.error_code))

    assert seen == [("queued", 2, "lost"), ("queued", 3, "lost"), ("failed", 3, "lost")]
    loop.pass_by(2 * HOUR)
    loop.tick()
    assert [run.status for run in loop.runs(strategy_id)] == ["failed", "starting"]
