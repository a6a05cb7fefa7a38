from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest

from autoretrain.domain.work import Launch, NotLaunched
from autoretrain.storage.launching import LaunchBooks
from tests.lessons import challenger
from tests.storage.conftest import Stack
from tests.world import NOW


def queue(stack: Stack, count: int) -> list[UUID]:
    return [stack.queued(stack.world.strategy(f"strategy {n}")) for n in range(count)]


def test_launch_is_reserved_below_the_limit_only(stack: Stack) -> None:
    first, second, third = queue(stack, 3)

    assert isinstance(stack.launching.reserve_launch(first, 2), Launch)
    assert isinstance(stack.launching.reserve_launch(second, 2), Launch)
    assert isinstance(stack.launching.reserve_launch(third, 2), NotLaunched)
    statuses = stack.world.run("SELECT status FROM autoretrain.training_runs ORDER BY queued_at")
    assert [row.status for row in statuses] == ["starting", "starting", "queued"]


def test_run_is_launched_once(stack: Stack) -> None:
    (run_id,) = queue(stack, 1)

    assert isinstance(stack.launching.reserve_launch(run_id, 9), Launch)
    assert isinstance(stack.launching.reserve_launch(run_id, 9), NotLaunched)


def test_limit_holds_when_many_launch_at_once(own: Stack) -> None:
    runs = queue(own, 16)
    books = [own.launching for _ in runs]
    start = Barrier(len(runs))

    def reserve(pair: tuple[LaunchBooks, UUID]) -> Launch | NotLaunched:
        start.wait()
        return pair[0].reserve_launch(pair[1], 3)

    with ThreadPoolExecutor(len(runs)) as threads:
        reserved = list(threads.map(reserve, zip(books, runs, strict=True)))

    assert sum(isinstance(launch, Launch) for launch in reserved) == 3


def test_no_run_is_left_waiting_by_a_trainer_that_looked_and_went(own: Stack) -> None:
    """A launcher at the limit relies on the busy trainer; the trainer relies on the launcher."""
    for n in range(12):
        busy = own.running(own.world.strategy(f"busy {n}"), f"task/{n}")
        waiting = own.queued(own.world.strategy(f"waiting {n}"))
        launching, training, start = own.launching, own.training, Barrier(2)

        def launch(launching: LaunchBooks = launching, start: Barrier = start) -> bool:
            start.wait()
            return isinstance(launching.reserve_launch(waiting, 1), Launch)  # noqa: B023

        def finish_and_look(start: Barrier = start) -> bool:
            start.wait()
            training.publish(busy, challenger(), "k", NOW)  # noqa: B023
            return training.begin_next("task") is not None  # noqa: B023

        with ThreadPoolExecutor(2) as threads:
            taken = [
                one.result() for one in (threads.submit(launch), threads.submit(finish_and_look))
            ]

        assert sum(taken) == 1
        own.world.run(
            "UPDATE autoretrain.training_runs SET status = 'cancelled', finished_at = now(),"
            " lease_expires_at = NULL WHERE status IN ('starting', 'running')"
        )


def test_trainers_take_the_oldest_queued_runs_each_one_once(own: Stack) -> None:
    runs = queue(own, 6)
    books = [own.training for _ in range(6)]
    start = Barrier(6)

    def take(n: int) -> UUID:
        start.wait()
        assignment = books[n].begin_next(f"task/{n}")
        assert assignment is not None
        return assignment.run_id

    with ThreadPoolExecutor(6) as threads:
        taken = list(threads.map(take, range(6)))

    assert sorted(taken) == sorted(runs)
    assert own.training.begin_next("task/7") is None


def test_trainer_leaves_the_queue_to_the_others_when_all_that_may_be_are_at_work(
    stack: Stack,
) -> None:
    done, launched, waiting = queue(stack, 3)
    stack.launching.reserve_launch(done, 1)
    assignment = stack.training.begin(done, "task/1")
    assert assignment is not None
    stack.training.publish(assignment, challenger(), "k", NOW)
    stack.launching.reserve_launch(launched, 1)

    assert stack.training.begin_next("task/1") is None
    other = stack.training.begin(launched, "task/2")
    assert other is not None
    stack.training.publish(other, challenger(), "k", NOW)

    following = stack.training.begin_next("task/2")
    assert following is not None
    assert following.run_id == waiting


def test_unavailable_platform_queues_the_run_again_and_blames_nobody(stack: Stack) -> None:
    (run_id,) = queue(stack, 1)
    launch = stack.launching.reserve_launch(run_id, 1)
    assert isinstance(launch, Launch)

    stack.launching.launch_unavailable(launch, "Capacity is unavailable at this time")

    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.status, run.attempt, run.losses_in_a_row) == ("queued", 2, 0)
    assert run.error_message == "Capacity is unavailable at this time"
    held = stack.world.one("SELECT * FROM autoretrain.strategy_training")
    assert (held.failures, held.fence) == (0, run.fence)


def test_three_refusals_in_a_row_stop_launches_until_a_probe_succeeds(stack: Stack) -> None:
    runs = queue(stack, 4)
    for run_id in runs[:3]:
        launch = stack.launching.reserve_launch(run_id, 9)
        assert isinstance(launch, Launch)
        stack.launching.launch_unavailable(launch, "no capacity")

    probe = stack.launching.reserve_launch(runs[3], 9)
    assert isinstance(probe, Launch)
    assert isinstance(stack.launching.reserve_launch(runs[0], 9), NotLaunched)

    stack.launching.record_task(probe, "task/probe")
    assert isinstance(stack.launching.reserve_launch(runs[0], 9), NotLaunched)
    assert stack.training.begin(probe.run_id, "task/probe") is not None
    assert isinstance(stack.launching.reserve_launch(runs[0], 9), Launch)


def test_working_trainer_that_takes_its_next_run_proves_nothing_about_launches(
    stack: Stack,
) -> None:
    first, _, third = queue(stack, 3)
    launch = stack.launching.reserve_launch(first, 9)
    assert isinstance(launch, Launch)
    stack.launching.launch_refused(launch, "AccessDeniedException")

    assert stack.training.begin_next("task/old") is not None

    stopped = stack.launching.reserve_launch(third, 9)
    assert isinstance(stopped, Launch)  # the probe
    assert stack.world.one("SELECT stopped_reason AS s FROM autoretrain.launch_control").s


def test_refusal_for_the_configuration_fails_the_run_and_stops_launches_at_once(
    stack: Stack,
) -> None:
    first, second, third = queue(stack, 3)
    launch = stack.launching.reserve_launch(first, 9)
    assert isinstance(launch, Launch)

    stack.launching.launch_refused(launch, "AccessDeniedException: ecs:RunTask")

    run = stack.world.one("SELECT * FROM autoretrain.training_runs WHERE id = %s", first)
    assert (run.status, run.error_code) == ("failed", "launch_config")
    failures = stack.world.run("SELECT failures FROM autoretrain.strategy_training")
    assert {row.failures for row in failures} == {0}
    assert isinstance(stack.launching.reserve_launch(second, 9), Launch)  # the probe
    assert isinstance(stack.launching.reserve_launch(third, 9), NotLaunched)


@pytest.mark.parametrize("answer", ["unavailable", "refused"])
def test_late_refusal_changes_nothing_about_a_run_that_was_trained_meanwhile(
    stack: Stack, answer: str
) -> None:
    (run_id,) = queue(stack, 1)
    launch = stack.launching.reserve_launch(run_id, 1)
    assert isinstance(launch, Launch)
    assignment = stack.training.begin(run_id, "task/1")
    assert assignment is not None
    stack.training.publish(assignment, challenger(), "k", NOW)

    say_no = {
        "unavailable": stack.launching.launch_unavailable,
        "refused": stack.launching.launch_refused,
    }[answer]
    say_no(launch, "throttled")

    assert stack.world.one("SELECT status AS s FROM autoretrain.training_runs").s == "succeeded"


def test_trainer_that_began_before_its_launcher_noted_it_keeps_its_task(stack: Stack) -> None:
    (run_id,) = queue(stack, 1)
    launch = stack.launching.reserve_launch(run_id, 1)
    assert isinstance(launch, Launch)
    assert stack.training.begin(run_id, "task/1") is not None

    stack.launching.record_task(launch, "task/1")

    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.status, run.task_arn) == ("running", "task/1")
