from __future__ import annotations

import pytest

from autoretrain.domain.runs import STARTING_LEASE, Status
from autoretrain.errors import AutoRetrainError, LaunchRefused, LaunchUnavailable, LaunchUnknown
from autoretrain.services.launch import Launcher, LaunchOutcome, LaunchReport
from tests.fake_books import BookedRun, FakeBooks
from tests.fakes import NOON, FakeCluster


@pytest.fixture
def run(books: FakeBooks) -> BookedRun:
    return books.add_run(books.add_strategy())


@pytest.fixture
def launcher(books: FakeBooks, cluster: FakeCluster) -> Launcher:
    return Launcher(books, cluster, max_concurrent_tasks=2)


def test_launch_starts_a_task_and_notes_it(
    launcher: Launcher, cluster: FakeCluster, run: BookedRun
) -> None:
    report = launcher.launch(run.run_id)
    task_arn = cluster.tasks[run.run_id, 1]
    assert report == LaunchReport(run.run_id, LaunchOutcome.LAUNCHED, task_arn)
    assert (run.status, run.task_arn) == (Status.STARTING, task_arn)
    assert run.lease_expires_at == NOON + STARTING_LEASE


@pytest.mark.parametrize(
    ("error", "outcome", "status", "attempt", "code"),
    [
        pytest.param(
            LaunchUnavailable("no capacity"),
            LaunchOutcome.UNAVAILABLE,
            Status.QUEUED,
            2,
            "launch_unavailable",
            id="no capacity",
        ),
        pytest.param(
            LaunchRefused("access denied"),
            LaunchOutcome.REFUSED,
            Status.FAILED,
            1,
            "launch_config",
            id="bad configuration",
        ),
        pytest.param(
            LaunchUnknown("no answer"),
            LaunchOutcome.UNKNOWN,
            Status.STARTING,
            1,
            "",
            id="no answer",
        ),
    ],
)
def test_launch_that_fails_leaves_the_run_as_its_error_asks(
    launcher: Launcher,
    books: FakeBooks,
    cluster: FakeCluster,
    run: BookedRun,
    error: AutoRetrainError,
    outcome: LaunchOutcome,
    status: Status,
    attempt: int,
    code: str,
) -> None:
    cluster.error = error
    report = launcher.launch(run.run_id)
    assert report == LaunchReport(run.run_id, outcome, message=str(error))
    assert (run.status, run.attempt, run.code) == (status, attempt, code)
    assert run.task_arn is None
    assert (run.losses, books.strategies[run.strategy_id].failures) == (0, 0)


def test_launch_waits_when_every_task_is_busy(
    launcher: Launcher, books: FakeBooks, cluster: FakeCluster, run: BookedRun
) -> None:
    for status in (Status.STARTING, Status.RUNNING):
        books.add_run(books.add_strategy(), status=status)
    report = launcher.launch(run.run_id)
    assert report.outcome is LaunchOutcome.WAITING
    assert (run.status, cluster.tasks) == (Status.QUEUED, {})


def test_launch_starts_one_task_when_it_is_asked_twice(
    launcher: Launcher, cluster: FakeCluster, run: BookedRun
) -> None:
    launcher.launch(run.run_id)
    assert launcher.launch(run.run_id).outcome is LaunchOutcome.WAITING
    assert len(cluster.tasks) == 1


def test_refused_configuration_stops_launches_until_a_probe_succeeds(
    launcher: Launcher, books: FakeBooks, cluster: FakeCluster, run: BookedRun
) -> None:
    cluster.error = LaunchRefused("access denied")
    launcher.launch(run.run_id)
    cluster.error = None
    second = books.add_run(books.add_strategy())
    assert launcher.launch(second.run_id).outcome is LaunchOutcome.STOPPED
    books.probe_due = True
    assert launcher.launch(second.run_id).outcome is LaunchOutcome.LAUNCHED
    assert books.launches_stopped == "access denied"
    books.begin(second.run_id, "task/2")
    assert books.launches_stopped is None


def test_next_attempt_gets_a_task_of_its_own(
    launcher: Launcher, cluster: FakeCluster, run: BookedRun
) -> None:
    cluster.error = LaunchUnavailable("no capacity")
    launcher.launch(run.run_id)
    cluster.error = None
    assert launcher.launch(run.run_id).task_arn == cluster.tasks[run.run_id, 2]
