"""The hourly tick: frees what was lost, then hands every due strategy to the condition check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from autoretrain.domain.runs import Ending, Loss, Status
from autoretrain.domain.work import DueStrategy, LiveRun, TickSummary
from autoretrain.errors import DependencyError, InvokeFailed
from autoretrain.ports import Dispatching, Invoker, TaskFinder

SECONDS_TO_STOP_SENDING = 5.0


@dataclass(frozen=True, slots=True)
class FreedRun:
    """A run whose lease was over: adopted (starting), queued again, failed, or as it was when its
    task could not be looked for."""

    run: LiveRun
    status: Status
    why: str


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What one tick did. `checking` counts strategies, not events; `not_sent` waits for the next
    tick, which looks at everything again."""

    slot: datetime
    checking: int
    freed: tuple[FreedRun, ...]
    not_sent: int
    previous: TickSummary


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Fans one tick out. A tick delivered twice does nothing twice: slots and leases see to it."""

    books: Dispatching
    tasks: TaskFinder
    invoker: Invoker
    strategies_per_check: int

    def tick(self, slot: datetime, seconds_left: Callable[[], float]) -> Dispatched:
        freed = tuple(self._free_lost_runs())
        self.books.enrol_strategies()
        due = self.books.strategies_to_check()
        not_sent = self._fan_out(due, slot, seconds_left)
        return Dispatched(
            slot=slot,
            checking=sum(strategy.checkable for strategy in due),
            freed=freed,
            not_sent=not_sent,
            previous=self.books.tick_summary(slot - timedelta(hours=1)),
        )

    def _free_lost_runs(self) -> Iterator[FreedRun]:
        for run in self.books.expired_runs():
            try:
                status = self._free(run)
            except DependencyError as exc:
                # One run that cannot be looked for must not keep the others from being checked.
                yield FreedRun(run, run.status, str(exc))
                continue
            if status is not None:
                yield FreedRun(run, status, "its trainer gave no sign of life")

    def _free(self, run: LiveRun) -> Status | None:
        if run.status is Status.STARTING and run.task_arn is None:
            # The launcher may have died between starting the task and noting it.
            task_arn = self.tasks.find(run.run_id, run.attempt)
            if task_arn is not None:
                self.books.adopt_task(run, task_arn)
                return Status.STARTING
        message = f"no sign of life from the trainer ({run.task_arn or 'no task is known'})"
        return self.books.end_attempt(run, Ending(Loss.LOST, message=message), expired_only=True)

    def _fan_out(
        self, due: Sequence[DueStrategy], slot: datetime, seconds_left: Callable[[], float]
    ) -> int:
        """Send every batch, whatever happens to its neighbours; returns the strategies not sent."""
        not_sent = 0
        for batch in _batches(due, self.strategies_per_check):
            if seconds_left() < SECONDS_TO_STOP_SENDING or not self._send(batch, slot):
                not_sent += len(batch)
        return not_sent

    def _send(self, batch: Sequence[DueStrategy], slot: datetime) -> bool:
        ids = [str(strategy.strategy_id) for strategy in batch]
        try:
            self.invoker.invoke({"strategy_ids": [*ids], "slot": slot.isoformat()})
        except InvokeFailed:
            return False
        return True


def _batches(due: Sequence[DueStrategy], size: int) -> Iterator[list[DueStrategy]]:
    remaining = iter(due)
    while batch := list(islice(remaining, size)):
        yield batch
