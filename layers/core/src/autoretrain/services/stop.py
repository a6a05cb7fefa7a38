"""Ends the runs of a task that has stopped, at once and with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autoretrain.domain.runs import Loss, Status, ending_of_task
from autoretrain.domain.work import Attempt, LiveRun
from autoretrain.ports import Stopping


@dataclass(frozen=True, slots=True)
class StoppedTask:
    """What an ECS Task State Change event says of a task's end."""

    task_arn: str
    started_for: Attempt | None
    exit_code: int | None
    stop_code: str | None
    stopped_reason: str
    container_reason: str


@dataclass(frozen=True, slots=True)
class EndedRun:
    """`loss` says that the platform ended it, not the trainer."""

    run: LiveRun
    status: Status
    message: str
    loss: Loss | None


@dataclass(frozen=True, slots=True)
class Stopper:
    """A run that its trainer has finished is left alone: the trainer's own commit wins."""

    books: Stopping

    def stopped(self, task: StoppedTask) -> list[EndedRun]:
        return list(self._end_runs(task))

    def _end_runs(self, task: StoppedTask) -> Iterator[EndedRun]:
        ending = ending_of_task(
            task.exit_code, task.stop_code, task.stopped_reason, task.container_reason
        )
        for run in self.books.runs_of_task(task.task_arn, task.started_for):
            status = self.books.end_attempt(run, ending, expired_only=False)
            if status is not None:
                yield EndedRun(run, status, ending.message, ending.loss)
