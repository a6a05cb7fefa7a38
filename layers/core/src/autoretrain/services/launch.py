"""Gives a queued run a task while one is free; what is left, a running trainer takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from autoretrain.domain.work import Launch, NotLaunched
from autoretrain.errors import LaunchRefused, LaunchUnavailable, LaunchUnknown
from autoretrain.ports import Launching, TaskLauncher


class LaunchOutcome(StrEnum):
    LAUNCHED = "launched"
    WAITING = "waiting"
    MOVED_ON = "moved_on"
    STOPPED = "stopped"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class LaunchReport:
    """What became of a launch: waiting is for a free task, moved on is under way already, unknown
    is for the lease to tell."""

    run_id: UUID
    outcome: LaunchOutcome
    task_arn: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Launcher:
    """The one way to start a trainer. RunTask is called outside every transaction."""

    books: Launching
    tasks: TaskLauncher
    max_concurrent_tasks: int

    def launch(self, run_id: UUID) -> LaunchReport:
        reserved = self.books.reserve_launch(run_id, self.max_concurrent_tasks)
        if isinstance(reserved, Launch):
            return self._start(reserved)
        return LaunchReport(run_id, _outcome(reserved), message=reserved.why)

    def _start(self, launch: Launch) -> LaunchReport:
        try:
            task_arn = self.tasks.launch(launch.run_id, launch.attempt)
        except LaunchUnavailable as exc:
            self.books.launch_unavailable(launch, str(exc))
            return LaunchReport(launch.run_id, LaunchOutcome.UNAVAILABLE, message=str(exc))
        except LaunchRefused as exc:
            self.books.launch_refused(launch, str(exc))
            return LaunchReport(launch.run_id, LaunchOutcome.REFUSED, message=str(exc))
        except LaunchUnknown as exc:
            # A task may be coming up: the run keeps its lease, and the tick looks for the task.
            return LaunchReport(launch.run_id, LaunchOutcome.UNKNOWN, message=str(exc))
        self.books.record_task(launch, task_arn)
        return LaunchReport(launch.run_id, LaunchOutcome.LAUNCHED, task_arn)


def _outcome(refused: NotLaunched) -> LaunchOutcome:
    if refused.moved_on:
        return LaunchOutcome.MOVED_ON
    return LaunchOutcome.STOPPED if refused.stopped else LaunchOutcome.WAITING
