"""A trainer at work keeps its lease, tells how far it is, and learns that the run is lost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from autoretrain.domain.models import Assignment, Lesson
from autoretrain.domain.runs import RUNNING_LEASE, Status
from autoretrain.domain.work import Progress
from autoretrain.ports import Report
from autoretrain.services.train import Finished, GivenBack, TrainingEvent
from tests.fake_books import FakeBooks
from tests.fakes import NOON, FakeArtifacts, FakeClock, FakeLearner
from tests.lessons import challenger
from tests.unit.core.trainings import PATIENCE_SECONDS, Work, queued, take_away


def test_training_ends_when_its_heartbeat_finds_the_run_taken(
    books: FakeBooks, artifacts: FakeArtifacts, learner: FakeLearner, work: Work
) -> None:
    run, next_run = queued(books, 2)

    def be_superseded(assignment: Assignment, report: Report) -> Lesson:
        take_away(books, run)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            report("fitting")
        raise AssertionError("the training went on")

    learner.teach[run.strategy_id] = be_superseded
    _, ended = work()
    taken = "the run is another attempt's by now, or its lease is over"
    assert ended == GivenBack(ended.assignment, "superseded", taken)
    assert (run.status, run.attempt, run.losses) == (Status.QUEUED, 2, 1)
    assert (next_run.attempt, artifacts.files) == (1, {})


def test_heartbeat_extends_the_lease_and_tells_the_phase(
    books: FakeBooks, clock: FakeClock, learner: FakeLearner, work: Work
) -> None:
    [run] = queued(books)
    seen: list[Any] = []

    def fit(assignment: Assignment, report: Report) -> Lesson:
        clock.pass_by(timedelta(minutes=1))
        report("fitting", 0, 60)
        while books.beats.get(timeout=PATIENCE_SECONDS).phase != "fitting":
            pass
        seen.extend([run.progress, run.lease_expires_at])
        return challenger()

    learner.teach[run.strategy_id] = fit
    work()
    assert seen == [Progress("fitting", 0, 60), NOON + timedelta(minutes=1) + RUNNING_LEASE]


def test_training_that_is_soon_over_sends_no_heartbeat(
    books: FakeBooks, learner: FakeLearner, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoretrain.services.pulse.PROGRESS_SECONDS", PATIENCE_SECONDS)
    [run] = queued(books)

    def fit(assignment: Assignment, report: Report) -> Lesson:
        report("fitting", 0, 60)
        report("judging")
        return challenger()

    learner.teach[run.strategy_id] = fit
    work()
    assert run.status is Status.SUCCEEDED
    assert books.beats.empty()


def test_watch_is_told_every_phase_once(
    books: FakeBooks, learner: FakeLearner, work: Work, phases: list[str]
) -> None:
    [run] = queued(books)

    def fit(assignment: Assignment, report: Report) -> Lesson:
        for round_ in range(3):
            report("fitting", round_, 3)
        return challenger()

    learner.teach[run.strategy_id] = fit
    work()
    assert phases == ["reading", "fitting", "publishing"]


@dataclass
class Stopwatch:
    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("silent_seconds", "end", "status"),
    [
        pytest.param(100.0, Finished, Status.SUCCEEDED, id="may still hold the lease"),
        pytest.param(100.1, GivenBack, Status.RUNNING, id="may have lost it"),
    ],
)
def test_training_ends_before_its_lease_does_when_no_heartbeat_gets_through(
    books: FakeBooks,
    clock: FakeClock,
    artifacts: FakeArtifacts,
    learner: FakeLearner,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
    silent_seconds: float,
    end: type[TrainingEvent],
    status: Status,
) -> None:
    [run] = queued(books)
    stopwatch = Stopwatch()
    monkeypatch.setattr("autoretrain.services.pulse.time", stopwatch)
    unreachable = FakeBooks(clock, artifacts)
    unreachable.down = True

    def fit_slowly(assignment: Assignment, report: Report) -> Lesson:
        stopwatch.seconds = silent_seconds
        report("fitting")
        return challenger()

    learner.teach[run.strategy_id] = fit_slowly
    _, ended = work(pulse_books=unreachable)
    assert isinstance(ended, end)
    assert run.status is status
    assert bool(artifacts.files) == (end is Finished)
