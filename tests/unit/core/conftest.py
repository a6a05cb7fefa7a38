"""A clock that stands still, the fakes that share it, and a trainer that works on them."""

from __future__ import annotations

import threading
from itertools import islice
from uuid import UUID

import pytest

from autoretrain.domain.models import Assignment
from autoretrain.domain.work import Progress
from autoretrain.services.train import Trainer, TrainingEvent
from tests.fake_books import FakeBooks
from tests.fakes import FakeArtifacts, FakeClock, FakeCluster, FakeLearner
from tests.unit.core.trainings import MANY_EVENTS, Work


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def artifacts() -> FakeArtifacts:
    return FakeArtifacts()


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def books(clock: FakeClock, artifacts: FakeArtifacts) -> FakeBooks:
    return FakeBooks(clock, artifacts)


@pytest.fixture
def learner() -> FakeLearner:
    return FakeLearner()


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def phases() -> list[str]:
    return []


@pytest.fixture
def work(
    books: FakeBooks,
    artifacts: FakeArtifacts,
    clock: FakeClock,
    learner: FakeLearner,
    stop: threading.Event,
    phases: list[str],
) -> Work:
    def until_done(
        run_id: UUID | None = None, pulse_books: FakeBooks = books
    ) -> list[TrainingEvent]:
        def watch(assignment: Assignment, progress: Progress) -> None:
            phases.append(progress.phase)

        trainer = Trainer(books, pulse_books, learner, artifacts, clock, watch)
        return list(islice(trainer.work(run_id, "task/1", stop), MANY_EVENTS))

    return until_done
