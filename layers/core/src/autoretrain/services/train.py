"""A trainer's working life: take a run, keep its lease, learn, publish, take the next one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from autoretrain.domain.models import (
    MANIFEST_FILE,
    MEMORIES_FILE,
    MODEL_FILE,
    REPORT_FILE,
    Assignment,
    Challenger,
    Lesson,
)
from autoretrain.domain.runs import Status
from autoretrain.domain.work import Published
from autoretrain.errors import (
    AutoRetrainError,
    DatabaseUnavailable,
    DependencyError,
    RunCancelled,
    RunTaken,
)
from autoretrain.ports import ArtifactStore, ChampionChanged, Clock, Learner, Training
from autoretrain.services.pulse import Interrupted, Pulse, Watch

JUDGEMENTS = 3
PUBLISH_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds between the tries to publish while the database is away: together half a lease."""
SUPERSEDED = "the run is another attempt's by now, or its lease is over"


@dataclass(frozen=True, slots=True)
class Started:
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Finished:
    assignment: Assignment
    published: Published
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The run failed; `cause` is there when it was not an error that we know."""

    assignment: Assignment
    code: str
    message: str
    cause: Exception | None = None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A person has cancelled the run; the trainer goes on with the queue."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The run is queued again, or somebody else's already; the trainer stops."""

    assignment: Assignment
    code: str
    message: str


TrainingEvent = Started | Finished | Failed | Cancelled | GivenBack


@dataclass(frozen=True, slots=True)
class Trainer:
    """Works the queue down. `pulse_books` have a connection of their own, for the heartbeat."""

    books: Training
    pulse_books: Training
    learner: Learner
    artifacts: ArtifactStore
    clock: Clock
    watch: Watch
    pause: Callable[[float], None] = time.sleep

    def work(
        self, run_id: UUID | None, task_arn: str | None, stop: threading.Event
    ) -> Iterator[TrainingEvent]:
        """Train the named run, then every queued one; ends when none is left or `stop` is set."""
        assignment = None
        if run_id is not None and not stop.is_set():
            assignment = self.books.begin(run_id, task_arn)
        # What has begun is given back by its training, however early the stop comes.
        while assignment is not None or not stop.is_set():
            assignment = assignment or self.books.begin_next(task_arn)
            if assignment is None:
                return
            yield Started(assignment)
            ended = self._train(assignment, stop)
            yield ended
            if isinstance(ended, GivenBack):
                return
            assignment = None

    def _train(self, assignment: Assignment, stop: threading.Event) -> TrainingEvent:
        begun = time.monotonic()
        try:
            with Pulse(self.pulse_books, assignment, self.watch, stop) as pulse:
                published = self._learn_and_publish(assignment, pulse)
            return Finished(assignment, published, time.monotonic() - begun)
        except RunCancelled:
            return Cancelled(assignment)
        except RunTaken:
            return GivenBack(assignment, "superseded", SUPERSEDED)
        except Interrupted:
            return self._give_back(assignment, "interrupted", "asked to stop")
        except DependencyError as exc:
            return self._give_back(assignment, exc.code, str(exc))
        except AutoRetrainError as exc:
            return self._fail(assignment, exc.code, str(exc), None)
        except Exception as exc:
            # A bug of ours must not take the whole queue down with it.
            return self._fail(assignment, "internal_error", f"{type(exc).__name__}: {exc}", exc)

    def _learn_and_publish(self, assignment: Assignment, pulse: Pulse) -> Published:
        for _ in range(JUDGEMENTS):
            lesson = self.learner.learn(assignment, self.clock.now(), pulse.report)
            try:
                return self._publish(assignment, lesson, pulse)
            except ChampionChanged:
                assignment = self.books.refresh(assignment)
        raise DependencyError(f"the champion changed {JUDGEMENTS} times during the training")

    def _publish(self, assignment: Assignment, lesson: Lesson, pulse: Pulse) -> Published:
        pulse.report("publishing")
        if not isinstance(lesson, Challenger):
            return self._patiently(lambda: self.books.decline(assignment, lesson), pulse)
        key = self._store(assignment, lesson)
        return self._patiently(
            lambda: self.books.publish(assignment, lesson, key, self.clock.now()), pulse
        )

    def _patiently(self, publish: Callable[[], Published], pulse: Pulse) -> Published:
        """A training is worth waiting for a database that is away, while the lease holds."""
        for seconds in PUBLISH_PAUSES:
            try:
                return publish()
            except DatabaseUnavailable:
                if not pulse.lease_holds_for(seconds):
                    raise
            self.pause(seconds)
            pulse.report("publishing")
        return publish()

    def _store(self, assignment: Assignment, challenger: Challenger) -> str:
        """Files first, row last: the database never points at a model that is not there."""
        served = challenger.served
        # The manifest holds the model's hash and the evidence: another attempt's differs.
        key = (
            f"models/{assignment.user_id}/{assignment.strategy_id}/{assignment.run_id}"
            f"/{served.manifest_sha256[:16]}"
        )
        self.artifacts.put(f"{key}/{MODEL_FILE}", served.model_text, "text/plain")
        self.artifacts.put(f"{key}/{MANIFEST_FILE}", served.manifest_text, "application/json")
        if served.report is not None:
            self.artifacts.put(f"{key}/{REPORT_FILE}", served.report, "application/json")
        if challenger.memories is not None:
            self.artifacts.put(f"{key}/{MEMORIES_FILE}", challenger.memories, "application/json")
        return key

    def _give_back(self, assignment: Assignment, code: str, message: str) -> TrainingEvent:
        try:
            if self.books.interrupt(assignment, message) is Status.FAILED:
                return Failed(assignment, code, message)
        except RunCancelled:
            return Cancelled(assignment)
        except RunTaken:
            code = "superseded"
        except DependencyError as exc:
            # The lease runs out by itself, and the next tick queues the run again.
            message = f"{message}; {exc}"
        return GivenBack(assignment, code, message)

    def _fail(
        self, assignment: Assignment, code: str, message: str, cause: Exception | None
    ) -> TrainingEvent:
        try:
            self.books.fail(assignment, code, message)
        except RunCancelled:
            return Cancelled(assignment)
        except RunTaken:
            return GivenBack(assignment, "superseded", message)
        except DependencyError as exc:
            # As in _give_back; the failure itself happens again, or was this one's cause.
            return GivenBack(assignment, code, f"{message}; {exc}")
        return Failed(assignment, code, message, cause)
