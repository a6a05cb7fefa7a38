from __future__ import annotations

import pytest

from autoretrain.domain.runs import Status
from autoretrain.domain.work import Attempt, LiveRun
from autoretrain.services.stop import EndedRun, StoppedTask, Stopper
from tests.fake_books import BookedRun, FakeBooks
from tests.fakes import NOON, FakeArtifacts, FakeClock

TASK = "task/1"


@pytest.fixture
def run(books: FakeBooks) -> BookedRun:
    run = books.add_run(books.add_strategy(), task_arn=TASK)
    run.begin(Status.RUNNING, NOON)
    return run


def stopped(
    books: FakeBooks,
    exit_code: int | None,
    stop_code: str = "EssentialContainerExited",
    container_reason: str = "",
    started_for: Attempt | None = None,
) -> list[EndedRun]:
    task = StoppedTask(
        TASK, started_for, exit_code, stop_code, "container exited", container_reason
    )
    return Stopper(books).stopped(task)


@pytest.mark.parametrize(
    ("exit_code", "stop_code", "reason", "status", "code", "failures"),
    [
        pytest.param(
            137,
            "EssentialContainerExited",
            "OutOfMemoryError",
            Status.FAILED,
            "out_of_memory",
            1,
            id="out of memory",
        ),
        pytest.param(
            70, "EssentialContainerExited", "", Status.FAILED, "trainer_exit", 1, id="our bug"
        ),
        pytest.param(
            143, "SpotInterruption", "", Status.QUEUED, "interrupted", 0, id="Spot interruption"
        ),
        pytest.param(None, "TaskFailedToStart", "", Status.QUEUED, "lost", 0, id="never started"),
    ],
)
def test_run_ends_with_its_task_and_the_reason(
    books: FakeBooks,
    run: BookedRun,
    exit_code: int | None,
    stop_code: str,
    reason: str,
    status: Status,
    code: str,
    failures: int,
) -> None:
    [ended] = stopped(books, exit_code, stop_code, reason)
    assert (ended.run.run_id, ended.status) == (run.run_id, status)
    assert (run.status, run.code, run.message) == (status, code, ended.message)
    assert books.strategies[run.strategy_id].failures == failures


def test_run_is_ended_although_its_lease_still_holds(books: FakeBooks, run: BookedRun) -> None:
    run.begin(Status.RUNNING, NOON.replace(hour=23))
    assert [ended.status for ended in stopped(books, 137)] == [Status.QUEUED]


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED])
def test_run_is_left_alone_when_its_trainer_has_finished_it(
    books: FakeBooks, run: BookedRun, status: Status
) -> None:
    run.end(status)
    assert stopped(books, 0) == []
    assert run.status is status


def test_run_ends_once_when_the_event_comes_twice(books: FakeBooks, run: BookedRun) -> None:
    stopped(books, 137)
    assert stopped(books, 137) == []
    assert (run.status, run.attempt) == (Status.QUEUED, 2)


def test_run_of_another_task_is_left_alone(books: FakeBooks, run: BookedRun) -> None:
    run.task_arn = "task/2"
    assert stopped(books, 70) == []
    assert run.status is Status.RUNNING


def test_task_that_its_launcher_has_not_noted_yet_ends_the_attempt_it_was_for(
    books: FakeBooks, run: BookedRun
) -> None:
    run.task_arn = None
    assert stopped(books, 137, started_for=Attempt(run.run_id, run.attempt + 1)) == []
    assert len(stopped(books, 137, started_for=Attempt(run.run_id, run.attempt))) == 1


class MovedBooks(FakeBooks):
    """Each run is taken by another attempt right after it was found."""

    def runs_of_task(self, task_arn: str, started_for: Attempt | None) -> list[LiveRun]:
        found = super().runs_of_task(task_arn, started_for)
        for run in self.runs.values():
            run.fence += 1
        return found


def test_run_is_left_alone_when_it_has_moved_on_meanwhile(
    clock: FakeClock, artifacts: FakeArtifacts
) -> None:
    books = MovedBooks(clock, artifacts)
    run = books.add_run(books.add_strategy(), task_arn=TASK)
    run.begin(Status.RUNNING, NOON)
    assert stopped(books, 70) == []
    assert run.status is Status.RUNNING
