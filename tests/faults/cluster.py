"""ECS as the launcher sees it on good and bad days, and the tasks that it has started."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from autoretrain.domain.models import Assignment
from autoretrain.domain.runs import KILLED
from autoretrain.domain.work import Attempt
from autoretrain.errors import DependencyError, LaunchRefused, LaunchUnavailable, LaunchUnknown
from autoretrain.services.stop import StoppedTask

SKEWS = (timedelta(minutes=-10), timedelta(), timedelta(minutes=10))


class Answer(StrEnum):
    """What RunTask says from now on. Lost: the task starts, nobody hears of it."""

    STARTED = "started"
    LOST = "lost"
    NO_ANSWER = "no answer"
    NO_CAPACITY = "no capacity"
    REFUSED = "refused"


@dataclass(eq=False)
class Task:
    """A task and its trainer, whose clock is off by `skew`; `begun` once it has asked for the run
    it was started for, `outdated` once its verdict was reached against yesterday's champion."""

    arn: str
    started_for: Attempt
    skew: timedelta = timedelta()
    begun: bool = False
    assignment: Assignment | None = None
    attempt: tuple[UUID, int] = (UUID(int=0), 0)
    outdated: bool = False
    stopped: bool = False

    @property
    def holds(self) -> Assignment:
        assert self.assignment is not None
        return self.assignment

    def take(self, assignment: Assignment) -> None:
        """`attempt` stays what was begun, whatever the books say of the run later."""
        self.assignment, self.outdated = assignment, False
        self.attempt = (assignment.run_id, assignment.fence)

    def stop(self, exit_code: int | None = KILLED, code: str = "") -> StoppedTask:
        """The task ends here; returns what ECS tells of it."""
        self.stopped = True
        self.assignment = None
        why = code or "EssentialContainerExited"
        return StoppedTask(self.arn, self.started_for, exit_code, why, f"exit {exit_code}", "")


@dataclass
class Cluster:
    """Every machine has a clock of its own; of three, one is right."""

    answer: Answer = Answer.STARTED
    tasks: list[Task] = field(default_factory=list)

    @property
    def living(self) -> list[Task]:
        """Those without a run first, then the newest: whoever has lost a run unawares should not
        often be the first to act."""
        living = [task for task in reversed(self.tasks) if not task.stopped]
        return sorted(living, key=lambda task: task.assignment is not None)

    @property
    def working(self) -> list[Task]:
        return [task for task in self.living if task.assignment is not None]

    def launch(self, run_id: UUID, attempt: int) -> str:
        if self.answer is Answer.NO_CAPACITY:
            raise LaunchUnavailable
        if self.answer is Answer.REFUSED:
            raise LaunchRefused
        if self.answer is Answer.NO_ANSWER:
            raise LaunchUnknown
        task = self._task_of(Attempt(run_id, attempt)) or self._start(Attempt(run_id, attempt))
        if self.answer is Answer.LOST:
            raise LaunchUnknown
        return task.arn

    def find(self, run_id: UUID, attempt: int) -> str | None:
        if self.answer is Answer.NO_ANSWER:
            raise DependencyError
        task = self._task_of(Attempt(run_id, attempt))
        return task.arn if task and not task.stopped else None

    def _task_of(self, attempt: Attempt) -> Task | None:
        """The same attempt never starts two."""
        return next((task for task in self.tasks if task.started_for == attempt), None)

    def _start(self, attempt: Attempt) -> Task:
        number = len(self.tasks)
        self.tasks.append(Task(f"task/{number}", attempt, SKEWS[number % len(SKEWS)]))
        return self.tasks[-1]
