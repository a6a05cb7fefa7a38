from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from autoretrain.domain.runs import Ending, Loss, Status, ending_of_task
from autoretrain.domain.work import Attempt, Launch, NotLaunched, Progress
from autoretrain.errors import RunTaken
from tests.lessons import challenger
from tests.storage.conftest import Stack
from tests.world import NOW

LOST = Ending(Loss.LOST, message="no sign of life")
OUT_OF_MEMORY = Ending(error_code="out_of_memory", message="raise TrainerMemory")


@pytest.fixture
def strategy(stack: Stack) -> UUID:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, -1.0] * 60)
    return strategy_id


def test_expired_runs_are_those_whose_lease_is_over(stack: Stack, strategy: UUID) -> None:
    other = stack.world.strategy("other")
    stack.world.trades(other, [1.0, -1.0] * 60)
    waiting = stack.world.strategy("waiting")
    stack.queued(waiting)
    stack.running(other)
    starting = stack.starting(strategy)

    assert stack.dispatching.expired_runs() == []
    stack.expire_lease(starting)

    (expired,) = stack.dispatching.expired_runs()
    assert (expired.run_id, expired.status) == (starting, Status.STARTING)


def test_lost_run_is_queued_again_as_its_next_attempt_behind_a_new_fence(
    stack: Stack, strategy: UUID
) -> None:
    run_id = stack.running(strategy).run_id
    stack.expire_lease(run_id)
    (expired,) = stack.dispatching.expired_runs()

    status = stack.dispatching.end_attempt(expired, LOST, expired_only=True)

    assert status is Status.QUEUED
    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.status, run.attempt, run.fence, run.task_arn) == ("queued", 2, 2, None)
    assert stack.world.one("SELECT failures AS f FROM autoretrain.strategy_training").f == 0


def test_run_is_spared_when_its_trainer_renewed_the_lease_in_time(
    stack: Stack, strategy: UUID
) -> None:
    assignment = stack.running(strategy)
    stack.expire_lease(assignment.run_id)
    (expired,) = stack.dispatching.expired_runs()
    stack.world.run(
        "UPDATE autoretrain.training_runs SET lease_expires_at = now() + interval '2 min'"
    )

    assert stack.dispatching.end_attempt(expired, LOST, expired_only=True) is None
    assert stack.training.publish(assignment, challenger(), "k", NOW).activated


def test_third_loss_in_a_row_counts_as_the_strategys_failure(stack: Stack, strategy: UUID) -> None:
    stack.running(strategy)
    statuses = []
    for n in range(3):
        (live,) = stack.stopping.runs_of_task("task/1" if n == 0 else f"task/{n + 1}", None)
        statuses.append(stack.stopping.end_attempt(live, LOST, expired_only=False))
        if n < 2:
            assert stack.training.begin(live.run_id, f"task/{n + 2}") is not None

    assert statuses == [Status.QUEUED, Status.QUEUED, Status.FAILED]
    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.error_code, run.attempt) == ("lost", 3)
    assert stack.world.one("SELECT failures AS f FROM autoretrain.strategy_training").f == 1


def test_failures_rest_longer_each_time_and_the_fifth_pauses(stack: Stack, strategy: UUID) -> None:
    rests = []
    for _ in range(5):
        stack.training.fail(stack.running(strategy), "suspected_leak", "feature x alone has AUC 1")
        held = stack.world.one(
            "SELECT paused_reason, failures, CASE WHEN isfinite(next_eligible_at)"
            " THEN next_eligible_at - now() END AS rest FROM autoretrain.strategy_training"
        )
        rests.append(held.rest and round(held.rest / timedelta(hours=1)))
        stack.world.run("UPDATE autoretrain.strategy_training SET next_eligible_at = '-infinity'")
        if held.failures < 5:
            assert held.paused_reason is None

    assert rests == [1, 2, 4, 8, None]
    assert held.paused_reason == "5 failed trainings in a row; the last one: suspected_leak"
    topics = stack.world.run("SELECT topic FROM autoretrain.outbox ORDER BY id")
    assert [row.topic for row in topics] == ["TrainingFailed"] * 5 + ["StrategyPaused"]
    assert stack.dispatching.strategies_to_check() == []


def test_deployment_that_cannot_work_fails_the_run_and_blames_no_strategy(
    stack: Stack, strategy: UUID
) -> None:
    stack.running(strategy)
    other = stack.queued(stack.world.strategy("other"))
    (live,) = stack.stopping.runs_of_task("task/1", None)

    stack.stopping.end_attempt(
        live, ending_of_task(78, "EssentialContainerExited", "", ""), expired_only=False
    )

    run = stack.world.one("SELECT * FROM autoretrain.training_runs WHERE id = %s", live.run_id)
    assert (run.status, run.error_code) == ("failed", "launch_config")
    failures = stack.world.run("SELECT failures FROM autoretrain.strategy_training")
    assert {row.failures for row in failures} == {0}
    assert isinstance(stack.launching.reserve_launch(other, 9), Launch)  # the probe
    assert isinstance(stack.launching.reserve_launch(live.run_id, 9), NotLaunched)


def test_finished_training_clears_earlier_failures(stack: Stack, strategy: UUID) -> None:
    stack.training.fail(stack.running(strategy), "internal_error", "bug")
    stack.world.run("UPDATE autoretrain.strategy_training SET next_eligible_at = '-infinity'")

    stack.training.publish(stack.running(strategy), challenger(), "k", NOW)

    assert stack.world.one("SELECT failures AS f FROM autoretrain.strategy_training").f == 0


def test_failed_training_leaves_the_clock_alone(stack: Stack, strategy: UUID) -> None:
    stack.training.fail(stack.running(strategy), "out_of_memory", "raise TrainerMemory")

    assert stack.world.one("SELECT ml_model_trained_at AS t FROM ai_strategies").t is None


def test_failed_run_says_how_long_it_trained_when_no_heartbeat_came_before(
    stack: Stack, strategy: UUID
) -> None:
    stack.training.fail(stack.running(strategy), "suspected_leak", "leave out exit_price")

    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert run.training_seconds == (run.finished_at - run.running_at).total_seconds()


def test_lost_run_says_how_long_it_trained_by_its_last_heartbeat(
    stack: Stack, strategy: UUID
) -> None:
    assignment = stack.running(strategy)
    stack.training.heartbeat(assignment, Progress("fitting"), 3.5)
    stack.world.run("UPDATE autoretrain.training_runs SET losses_in_a_row = 2")
    stack.expire_lease(assignment.run_id)
    (lost,) = stack.dispatching.expired_runs()

    stack.dispatching.end_attempt(lost, LOST, expired_only=True)

    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.status, run.training_seconds) == ("failed", 3.5)


def test_task_event_finds_its_runs_until_they_have_ended(stack: Stack, strategy: UUID) -> None:
    stack.running(strategy, "task/9")

    (live,) = stack.stopping.runs_of_task("task/9", None)
    # An event that is delivered again, because the first one was not dealt with, finds it again.
    assert stack.stopping.runs_of_task("task/9", None) == [live]
    stack.stopping.end_attempt(live, LOST, expired_only=False)
    assert stack.stopping.runs_of_task("task/9", None) == []
    assert stack.stopping.runs_of_task("task/other", None) == []


def test_task_event_finds_the_attempt_whose_launcher_has_not_noted_the_task_yet(
    stack: Stack, strategy: UUID
) -> None:
    run_id = stack.starting(strategy, task_arn=None)

    assert stack.stopping.runs_of_task("task/1", Attempt(run_id, 2)) == []
    (live,) = stack.stopping.runs_of_task("task/1", Attempt(run_id, 1))
    assert (live.run_id, live.task_arn) == (run_id, None)


def test_stopped_task_of_a_finished_run_changes_nothing(stack: Stack, strategy: UUID) -> None:
    assignment = stack.running(strategy)
    (live,) = stack.stopping.runs_of_task("task/1", None)
    stack.training.publish(assignment, challenger(), "k", NOW)

    assert stack.stopping.end_attempt(live, OUT_OF_MEMORY, expired_only=False) is None
    assert stack.world.one("SELECT status AS s FROM autoretrain.training_runs").s == "succeeded"


def test_interrupted_run_waits_again_without_resting(stack: Stack, strategy: UUID) -> None:
    assignment = stack.running(strategy)

    stack.training.interrupt(assignment, "asked to stop")

    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.status, run.error_code, run.attempt) == ("queued", "interrupted", 2)
    with pytest.raises(RunTaken):
        stack.training.interrupt(assignment, "asked to stop")
    (due,) = stack.dispatching.strategies_to_check()
    assert due.checkable


def test_third_interruption_in_a_row_counts_as_the_strategys_failure(
    stack: Stack, strategy: UUID
) -> None:
    assignment = stack.running(strategy)
    for n in range(3):
        stack.training.interrupt(assignment, "S3 cannot be reached")
        again = stack.training.begin(assignment.run_id, f"task/{n}")
        assignment = again or assignment

    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.status, run.error_code, run.attempt) == ("failed", "interrupted", 3)
    assert run.error_message.endswith("the last time: S3 cannot be reached")
    assert stack.world.one("SELECT failures AS f FROM autoretrain.strategy_training").f == 1


def test_run_that_is_queued_again_goes_to_the_queues_end(stack: Stack, strategy: UUID) -> None:
    first = stack.running(strategy)
    second = stack.queued(stack.world.strategy("second"))

    stack.training.interrupt(first, "asked to stop")

    following = stack.training.begin_next("task/2")
    assert following is not None
    assert following.run_id == second


def test_deleted_strategys_run_does_not_hide_the_queue(stack: Stack, strategy: UUID) -> None:
    stack.queued(strategy)
    second = stack.queued(stack.world.strategy("second"))
    stack.world.run("DELETE FROM ai_strategies WHERE id = %s", strategy)

    following = stack.training.begin_next("task/2")

    assert following is not None
    assert following.run_id == second
    codes = stack.world.run("SELECT error_code AS c FROM autoretrain.training_runs")
    assert {row.c for row in codes} == {"strategy_gone", None}


def test_trainer_that_never_began_is_the_deployments_fault(stack: Stack, strategy: UUID) -> None:
    stack.starting(strategy)
    (live,) = stack.stopping.runs_of_task("task/1", None)

    ending = ending_of_task(1, "EssentialContainerExited", "", "no libgomp")
    stack.stopping.end_attempt(live, ending, expired_only=False)

    assert stack.world.one("SELECT failures AS f FROM autoretrain.strategy_training").f == 0
    stopped = stack.world.one("SELECT stopped_reason AS s FROM autoretrain.launch_control").s
    assert "no libgomp" in stopped


def test_adopted_task_gets_its_time_to_begin(stack: Stack, strategy: UUID) -> None:
    run_id = stack.starting(strategy, task_arn=None)
    stack.expire_lease(run_id)
    (expired,) = stack.dispatching.expired_runs()

    stack.dispatching.adopt_task(expired, "task/found")

    assert stack.dispatching.expired_runs() == []
    assert stack.world.one("SELECT task_arn AS t FROM autoretrain.training_runs").t == "task/found"


def test_queued_run_never_expires_and_is_looked_at_when_its_strategy_is_disabled(
    stack: Stack, strategy: UUID
) -> None:
    stack.queued(strategy)
    stack.world.run("UPDATE ai_strategies SET ml_training_enabled = false")

    (due,) = stack.dispatching.strategies_to_check()

    assert (due.strategy_id, due.checkable) == (strategy, False)
    assert stack.dispatching.expired_runs() == []
