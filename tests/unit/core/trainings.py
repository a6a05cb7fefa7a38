"""Runs for a trainer to work on, and what its learner does with them."""

from __future__ import annotations

from collections.abc import Callable

from autoretrain.domain.models import Assignment, Lesson
from autoretrain.domain.runs import Ending, Loss, Status
from autoretrain.domain.work import LiveRun
from autoretrain.ports import Report
from autoretrain.services.train import TrainingEvent
from tests.fake_books import BookedRun, FakeBooks
from tests.fakes import Teach

MANY_EVENTS = 20
PATIENCE_SECONDS = 10
"""How long a failing test waits for what a passing one gets at once."""

Work = Callable[..., list[TrainingEvent]]


def queued(books: FakeBooks, runs: int = 1) -> list[BookedRun]:
    return [books.add_run(books.add_strategy()) for _ in range(runs)]


def statuses(books: FakeBooks) -> list[Status]:
    return [run.status for run in books.runs.values()]


def raising(error: Exception) -> Teach:
    def teach(assignment: Assignment, report: Report) -> Lesson:
        raise error

    return teach


def take_away(books: FakeBooks, run: BookedRun) -> None:
    """Queue the run again behind the trainer's back."""
    live = LiveRun(run.run_id, run.strategy_id, run.attempt, run.fence, run.status, run.task_arn)
    books.end_attempt(live, Ending(Loss.LOST), expired_only=False)
