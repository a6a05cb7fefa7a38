"""The hourly tick: frees what was lost, then hands every due strategy to the condition check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from threading import BoundedSemaphore

from autoretrain.domain.runs import Ending, Loss, Status
from autoretrain.domain.work import DueStrategy, LiveRun, PausedStrategy, TickSummary
from autoretrain.errors import DependencyError, InvokeFailed
from autoretrain.ports import Dispatching, Invoker, TaskFinder

SECONDS_TO_STOP_SENDING = 5.0
SECONDS_TO_STOP_LOOKING = 30.0
NO_TIME = "no time was left"


@dataclass(frozen=True, slots=True)
class FreedRun:
    """A run whose lease was over: adopted (starting), queued again, failed, or as it was when its
    task could not be looked for."""

    run: LiveRun
    status: Status
    why: str


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What one tick did, in strategies, not events: of all that were `sent` on, `checking` are
    checked, the others only wait for a launch; `not_sent` wait for the next tick, which looks at
    everything again."""

    slot: datetime
    checking: int
    sent: int
    freed: tuple[FreedRun, ...]
    not_sent: int
    not_sent_why: str
    paused: tuple[PausedStrategy, ...]
    previous: TickSummary


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Fans one tick out. A tick delivered twice does nothing twice: slots and leases see to it.

    Every check is a connection to the database: `checks_per_second` keeps them from coming all at
    once, 0 does not. So many `senders` hand events on at the same time: each waits for an answer.
    """

    books: Dispatching
    tasks: TaskFinder
    invoker: Invoker
    strategies_per_check: int
    checks_per_second: int
    pause: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    senders: int = 1

    def tick(
        self, slot: datetime, seconds_left: Callable[[], float], announce: Callable[[int], None]
    ) -> Dispatched:
        """Tick for the slot; `announce` hears how many strategies before any of them is checked."""
        freed = tuple(self._free_lost_runs(seconds_left))
        # Read before this tick's checks, which replace the decisions that it counts.
        previous = self.books.tick_summary(slot - timedelta(hours=1))
        self.books.enrol_strategies()
        due = self.books.strategies_to_check()
        checking = sum(strategy.checkable for strategy in due)
        announce(checking)
        not_sent, why = self._fan_out(due, slot, seconds_left)
        paused = tuple(self.books.paused_strategies())
        self.books.forget_old_decisions()
        sent = len(due) - not_sent
        return Dispatched(slot, checking, sent, freed, not_sent, why, paused, previous)

    def _free_lost_runs(self, seconds_left: Callable[[], float]) -> Iterator[FreedRun]:
        for run in self.books.expired_runs():
            if seconds_left() < SECONDS_TO_STOP_LOOKING:
                return
            try:
                status = self._free(run)
            except DependencyError as exc:
                # One task that cannot be looked for must not keep the others from being checked.
                yield FreedRun(run, run.status, str(exc))
                continue
            if status is not None:
                yield FreedRun(run, status, _why(status))

    def _free(self, run: LiveRun) -> Status | None:
        if run.status is Status.STARTING and run.task_arn is None and not run.overdue:
            # The launcher may have died between starting the task and noting it.
            task_arn = self.tasks.find(run.run_id, run.attempt)
            if task_arn is not None:
                self.books.adopt_task(run, task_arn)
                return Status.STARTING
        message = f"no sign of life from the trainer ({run.task_arn or 'no task is known'})"
        return self.books.end_attempt(run, Ending(Loss.LOST, message=message), expired_only=True)

    def _fan_out(
        self, due: Sequence[DueStrategy], slot: datetime, seconds_left: Callable[[], float]
    ) -> tuple[int, str]:
        """Send every batch, whatever happens to its neighbours; returns how many strategies were
        not sent, and why the last of them was not."""
        not_sent, why = 0, ""
        for batch, sent in list(self._sending(due, slot, seconds_left)):
            refusal = NO_TIME if sent is None else sent.result()
            if refusal is not None:
                not_sent, why = not_sent + len(batch), refusal
        return not_sent, why

    def _sending(
        self, due: Sequence[DueStrategy], slot: datetime, seconds_left: Callable[[], float]
    ) -> Iterator[tuple[Sequence[DueStrategy], Future[str | None] | None]]:
        """Each batch as it is handed to a sender, None where there was no time for it."""
        may_start, free = self.monotonic(), BoundedSemaphore(self.senders)
        with ThreadPoolExecutor(self.senders) as senders:
            for batch in _batches(due, self.strategies_per_check):
                # The time is looked at when somebody can send, not when the batch queues up.
                free.acquire()
                if seconds_left() < SECONDS_TO_STOP_SENDING:
                    free.release()
                    yield batch, None
                    continue
                may_start = self._wait_until(may_start)
                sent = senders.submit(self._send, batch, slot)
                sent.add_done_callback(lambda _: free.release())
                yield batch, sent

    def _wait_until(self, may_start: float) -> float:
        """Keep the pace; returns when the next check may start. What was slow is not made up for
        by a rush."""
        if not self.checks_per_second:
            return may_start
        now = self.monotonic()
        if may_start > now:
            self.pause(may_start - now)
        return max(may_start, now) + 1 / self.checks_per_second

    def _send(self, batch: Sequence[DueStrategy], slot: datetime) -> str | None:
        """None, or why it could not be sent."""
        ids = [str(strategy.strategy_id) for strategy in batch]
        try:
            self.invoker.invoke({"strategy_ids": [*ids], "slot": slot.isoformat()})
        except InvokeFailed as exc:
            return str(exc)
        return None


def _batches(due: Sequence[DueStrategy], size: int) -> Iterator[list[DueStrategy]]:
    remaining = iter(due)
    while batch := list(islice(remaining, size)):
        yield batch


def _why(status: Status) -> str:
    if status is Status.STARTING:
        return "its task was started, but not noted: it is now"
    return "its trainer gave no sign of life"
