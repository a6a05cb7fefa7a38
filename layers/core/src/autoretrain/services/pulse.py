"""A training's sign of life: keeps the lease, tells the progress, ends what is lost or unwanted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from autoretrain.domain.models import Assignment
from autoretrain.domain.runs import HEARTBEAT_EVERY, RUNNING_LEASE
from autoretrain.domain.work import Progress
from autoretrain.errors import DependencyError, RunTaken
from autoretrain.ports import Training

SAFETY_SECONDS = 20.0
PROGRESS_SECONDS = 0.5
"""How old the progress that people see may get while a training gets on, and how often it is told
at most: a small training is over before anybody could read of it."""

Watch = Callable[[Assignment, Progress], None]


class Interrupted(Exception):
    """The platform wants the machine back: the run goes back to the queue."""


class Pulse:
    """Extends the lease from a thread of its own and passes the progress on.

    `report` raises RunTaken once the run is lost and Interrupted once a stop is wanted, so that
    a training ends at its next boosting round.
    """

    def __init__(
        self, books: Training, assignment: Assignment, watch: Watch, stop: threading.Event
    ) -> None:
        self._books = books
        self._assignment = assignment
        self._watch = watch
        self._stop = stop
        self._begun = self._last_beat = self._told_at = time.monotonic()
        self._progress = Progress("starting")
        self._wake, self._done = threading.Event(), threading.Event()
        self._taken: RunTaken | None = None
        self._thread = threading.Thread(target=self._beat_until_done, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._wake.set()
        self._thread.join()  # a beat ends: every wait on the database has its limit

    def report(self, phase: str, round: int = 0, rounds: int = 0) -> None:
        entered = phase != self._progress.phase
        self._progress = Progress(phase, round, rounds)
        if entered or time.monotonic() - self._told_at > PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            self._watch(self._assignment, self._progress)
            self._wake.set()
        if self._taken is not None:
            raise self._taken
        if not self.lease_holds_for(0):
            raise RunTaken
        if self._stop.is_set():
            raise Interrupted

    def lease_holds_for(self, seconds: float) -> bool:
        """Without a beat for too long, the database may already call the run lost."""
        silence = time.monotonic() - self._last_beat
        return silence + seconds <= RUNNING_LEASE.total_seconds() - SAFETY_SECONDS

    def _beat_until_done(self) -> None:
        # The lease is as new as the run: the first beat may wait, too.
        while self._taken is None and not self._done.wait(PROGRESS_SECONDS):
            self._beat()
            self._wake.wait(HEARTBEAT_EVERY.total_seconds())
            self._wake.clear()

    def _beat(self) -> None:
        sent_at = time.monotonic()
        try:
            self._books.heartbeat(self._assignment, self._progress, sent_at - self._begun)
        except RunTaken as exc:
            self._taken = exc
        except DependencyError:
            # The next beat may get through; if none does, the lease is over and report() says so.
            return
        else:
            self._last_beat = sent_at
