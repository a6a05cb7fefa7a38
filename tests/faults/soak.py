"""The hours go by: the real services on a real database, in a cloud where any call may fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment, Lesson
from autoretrain.domain.runs import KILLED, SERVICE_DID_NOT_ANSWER
from autoretrain.errors import DependencyError
from autoretrain.ports import Report
from autoretrain.services.check import Checker
from autoretrain.services.dispatch import Dispatcher
from autoretrain.services.launch import Launcher
from autoretrain.services.notify import Notifier
from autoretrain.services.stop import StoppedTask, Stopper
from autoretrain.services.train import Finished, Started, Trainer, TrainingEvent
from autoretrain.storage import checking
from autoretrain.storage.checking import CheckBooks
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.database import TRAINER
from autoretrain.storage.dispatching import DispatchBooks
from autoretrain.storage.launching import LaunchBooks
from autoretrain.storage.outbox import OutboxBooks
from autoretrain.storage.stopping import StopBooks
from autoretrain.storage.training import TrainBooks
from tests.faults.cluster import Task
from tests.faults.history import History, Told, look
from tests.faults.play import lesson_of
from tests.faults.soak_clock import MovedTime
from tests.faults.soak_faults import (
    Luck,
    UnluckyChannel,
    UnluckyCluster,
    UnluckyFiles,
    UnluckyMail,
    UnluckyWire,
)
from tests.faults.soak_trades import Bots
from tests.faults.wire import Killed

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
FAILING = 0.02
TASKS_AT_ONCE = 4
STRATEGIES_PER_CHECK = 20
TRIES = 3
LESSONS = ("better",) * 7 + ("worse",) * 2 + ("too few",)
MINUTE = timedelta(minutes=1)
_BUSY = """
SELECT count(*) AS busy FROM autoretrain.training_runs WHERE status IN ('starting', 'running')
"""
_SIZES = """
SELECT (SELECT count(*) FROM autoretrain.training_runs) AS runs,
    (SELECT sum(attempt - 1) FROM autoretrain.training_runs)::integer AS attempts_lost,
    (SELECT count(*) FROM autoretrain.model_artifacts) AS models,
    (SELECT count(*) FROM autoretrain.model_activations) AS activations,
    (SELECT count(*) FROM autoretrain.current_decisions) AS current_decisions,
    (SELECT count(*) FROM autoretrain.retrain_decisions) AS decisions,
    (SELECT count(*) FROM autoretrain.outbox) AS notifications,
    (SELECT min(created_at) FROM autoretrain.outbox) AS oldest_notification,
    (SELECT count(*) FROM autoretrain.retrain_decisions d
        WHERE decided_at < %(now)s - interval '400 days' AND EXISTS (
            SELECT FROM autoretrain.retrain_decisions n
            WHERE n.strategy_id = d.strategy_id AND n.id > d.id
                AND n.decided_at < %(now)s - interval '2 hours'
        )) AS stale_decisions
"""


@dataclass
class Letter:
    """An event on its way to a function, which gets it up to three times."""

    work: Callable[[], None]
    tries: int = 0


class ConstantLearner:
    """The same model for everybody; how its judging went is drawn."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def learn(self, assignment: Assignment, as_of: datetime, report: Report) -> Lesson:
        report("reading")
        return lesson_of(self._random.choice(LESSONS), assignment, as_of)


class Soak:
    """`happened` counts what the trainers told; `due_since` are the hours of those who are due."""

    def __init__(self, url: str, strategies: int, seed: int) -> None:
        self._random = Random(seed)
        self.luck = Luck(self._random, FAILING)
        # What a thread of its own draws must not depend on when it does.
        self._thread_luck = Luck(Random(seed), FAILING)
        self._wire = UnluckyWire(url, self.luck)
        self._pulse_wire = UnluckyWire(url, self._thread_luck, of_thread=True)
        self.time = MovedTime([self._wire.real, self._pulse_wire.real], START)
        self.bots = Bots(self._wire.real, self._random, strategies, START)
        self._cluster, self._mail = UnluckyCluster(self.luck), UnluckyMail(self.luck)
        self._files, self._channel = UnluckyFiles(self.luck), UnluckyChannel(self.luck)
        self._letters: list[Letter] = []
        self._working: dict[str, Iterator[TrainingEvent]] = {}
        self._history, self._told = History(), dict[int, Told]()
        self.happened: Counter[str] = Counter()
        self.hours = 0

    def faults_stop(self) -> None:
        self.luck.share = self._thread_luck.share = 0

    def hour(self) -> None:
        self.hour_begins()
        self.tick()

    def hour_begins(self) -> None:
        self.time.until_the_next_hour()
        self.bots.trade(self.time.now)

    def tick(self) -> None:
        """The tick and all that comes of it; afterwards every rule of the books holds."""
        self._letters.append(Letter(self._dispatch))
        while self._letters or self._cluster.living:
            self._deliver_all()
            while self._cluster.living:
                self._somebody_works()
            self.time.pass_by(MINUTE)
        self._cluster.forget_stopped()
        self._look()
        self.hours += 1

    def sizes(self) -> dict[str, Any]:
        """Rows by table, and what ought to have been forgotten."""
        return self._row(_SIZES)

    def _row(self, query: str) -> dict[str, Any]:
        with self._wire.real as opened, opened.cursor() as cursor:
            cursor.execute(query, {"now": self.time.now})
            row = cursor.fetchone() or ()
            return dict(zip([column.name for column in cursor.description or ()], row, strict=True))

    def close(self) -> None:
        self._wire.close()
        self._pulse_wire.close()

    def _look(self) -> None:
        """Notifications are forgotten after a month; that each was written is not."""
        seen = look(self._wire.real)
        self._told |= {told.id: told for told in seen.told}
        self._history.saw(seen._replace(told=list(self._told.values())))

    # Functions

    def _deliver_all(self) -> None:
        letters, self._letters = self._letters, []
        for letter in letters:
            self._deliver(letter)
            while self._mail.events:
                self._letters.append(Letter(partial(self._check, self._mail.events.pop(0))))
            if self._cluster.living:
                self._somebody_works()

    def _deliver(self, letter: Letter) -> None:
        try:
            letter.work()
        except (Killed, DependencyError):
            self.happened["invocations that failed"] += 1
            letter.tries += 1
            if letter.tries < TRIES:
                self._letters.append(letter)
            else:
                self.happened["events given up"] += 1

    def _dispatch(self) -> None:
        database = self._wire.database()
        slot = self.time.now.replace(minute=0, second=0)
        Dispatcher(
            DispatchBooks(database),
            self._cluster,
            self._mail,
            strategies_per_check=STRATEGIES_PER_CHECK,
            checks_per_second=0,
        ).tick(slot, lambda: 600.0, lambda _: None)
        list(Notifier(OutboxBooks(database), [self._channel]).drain(lambda: 600.0))

    def _check(self, event: Json) -> None:
        ids = event["strategy_ids"]
        assert isinstance(ids, list)
        database = self._wire.database()
        launcher = Launcher(LaunchBooks(database), self._cluster, TASKS_AT_ONCE)
        checker = Checker(CheckBooks(database), launcher)
        slot = datetime.fromisoformat(str(event["slot"]))
        for checked in checker.check([UUID(str(one)) for one in ids], slot) or ():
            if isinstance(checked.error, DependencyError):
                raise checked.error

    def _task_stopped(self, task: StoppedTask) -> None:
        Stopper(StopBooks(self._wire.database())).stopped(task)

    # Trainers

    def _somebody_works(self) -> None:
        """A task gets on with one training, whichever."""
        task = self._random.choice(self._cluster.living)
        try:
            event = next(self._work_of(task), None)
        except Killed:
            self._ends(task, KILLED)
        except DependencyError:
            self._ends(task, SERVICE_DID_NOT_ANSWER)
        else:
            self._heard(task, event)

    def _work_of(self, task: Task) -> Iterator[TrainingEvent]:
        if task.arn not in self._working:
            database = self._wire.database(TRAINER)
            trainer = Trainer(
                books=TrainBooks(database),
                pulse_books=TrainBooks(self._pulse_wire.database(TRAINER)),
                learner=ConstantLearner(self._random),
                artifacts=self._files,
                clock=DatabaseClock(database),
                watch=lambda assignment, progress: None,
                pause=lambda seconds: None,
            )
            work = trainer.work(task.started_for.run_id, task.arn, Event())
            self._working[task.arn] = work
        return self._working[task.arn]

    def _heard(self, task: Task, event: TrainingEvent | None) -> None:
        if event is None:
            self._ends(task, 0)
            return
        if isinstance(event, Started):
            self._history.began(event.assignment)
            assert self._row(_BUSY)["busy"] <= TASKS_AT_ONCE, "more trainers than there may be"
        elif isinstance(event, Finished):
            self._history.accepted(event.assignment.run_id, event.assignment.fence)
        self.happened[type(event).__name__] += 1

    def _ends(self, task: Task, exit_code: int) -> None:
        self.happened["trainers killed"] += exit_code == KILLED
        del self._working[task.arn]
        self._letters.append(Letter(partial(self._task_stopped, task.stop(exit_code))))


@contextmanager
def soak_on(url: str, strategies: int, seed: int) -> Iterator[Soak]:
    """The same seed gives the same hours: what waits equally long is taken in the order of ids."""
    ids = Random(seed)
    soak = Soak(url, strategies, seed)
    with closing(soak), pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking, "uuid4", lambda: UUID(int=ids.getrandbits(128), version=4))
        yield soak
