"""The loop as a game: what every service, trainer and person may do next, by the real services on
a real database; ECS and time are played."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from autoretrain.domain.gate import BASE_RATE, Evidence
from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment, Declined, Lesson, Snapshot
from autoretrain.domain.runs import KILLED, RUNNING_LEASE, TERMINATED, Status
from autoretrain.domain.work import Idempotency, Progress, Wish
from autoretrain.errors import CallerError, DatabaseUnavailable, RunCancelled, RunTaken
from autoretrain.ports import ChampionChanged
from autoretrain.services.check import Checker
from autoretrain.services.dispatch import Dispatcher, FreedRun
from autoretrain.services.launch import Launcher
from autoretrain.services.retrain import Asked, Retraining
from autoretrain.services.stop import StoppedTask, Stopper
from autoretrain.storage.asking import AskBooks
from autoretrain.storage.checking import CheckBooks, read_snapshots
from autoretrain.storage.control import Control
from autoretrain.storage.database import TRAINER, Database
from autoretrain.storage.dispatching import DispatchBooks
from autoretrain.storage.launching import LaunchBooks
from autoretrain.storage.stopping import StopBooks
from autoretrain.storage.training import TrainBooks
from tests.fakes import FakeClock, FakeInvoker
from tests.faults.bench import Bench
from tests.faults.cluster import Cluster, Task
from tests.faults.history import History, artifact_key, look
from tests.faults.wire import Fault, How, Killed
from tests.lessons import challenger, comparison, declined, rows, too_few
from tests.world import USER

Item = TypeVar("Item")
Meanwhile = Callable[[str], None]
STRATEGIES = 3
TASKS_AT_ONCE = 2
RUNS_PER_HOUR = 30
TOLD_OF_FAULTS = {
    How.KILLED: "processes killed",
    How.CUT: "connections cut",
    How.DOWN: "outages of the database",
    How.OVERTAKEN: "services overtaken by another",
}


def _nobody(_: str) -> None: ...


class BooksAt(CheckBooks):
    """What a check reads is as it is at the time that is played."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        super().__init__(database)
        self._clock = clock

    def snapshots(self, strategy_ids: Sequence[UUID]) -> list[Snapshot]:
        as_of = self._clock.now()
        return self._database.transaction(lambda tx: read_snapshots(tx, strategy_ids, as_of))


class Play:
    """`stopped` are the events of stopped tasks, and `mail` those for the condition check, that
    have not come to their end; `passed` is the time that has passed since the beginning."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.seen = bench, bench.figures.seen
        self.clock, self.passed = FakeClock(), timedelta()
        self.cluster, self.mail = Cluster(), FakeInvoker()
        self.stopped: list[StoppedTask] = []
        self.history = History()
        self._beats: dict[tuple[UUID, int], timedelta] = {}
        self._answers: dict[Idempotency, UUID] = {}
        self.strategies = [UUID(int=n) for n in range(1, STRATEGIES + 1)]
        bench.empty()
        for strategy_id in self.strategies:
            bench.enrol(strategy_id, self.clock.now())
        self.look()

    def look(self) -> None:
        """Every rule of the books holds, or AssertionError says which one does not."""
        self.books = look(self.bench.wire.real)
        self.history.saw(self.books)

    def pass_by(self, passed: timedelta) -> None:
        self.bench.pass_by(passed)
        self.clock.pass_by(passed)
        self.passed += passed

    # The cloud

    def tick(self) -> None:
        slot = self.clock.now().replace(minute=0, second=0, microsecond=0)
        dispatcher = Dispatcher(
            DispatchBooks(self._database()),
            self.cluster,
            self.mail,
            strategies_per_check=2,
            checks_per_second=0,
        )
        for freed in dispatcher.tick(slot, lambda: 60.0, lambda _: None).freed:
            self._had_gone_silent(freed)

    def check(self, event: Json) -> None:
        ids = event["strategy_ids"]
        assert isinstance(ids, list)
        checker = Checker(BooksAt(self._database(), self.clock), self._launcher())
        slot = datetime.fromisoformat(str(event["slot"]))
        checker.check([UUID(str(strategy_id)) for strategy_id in ids], slot)

    def task_stopped(self, event: StoppedTask) -> None:
        Stopper(StopBooks(self._database())).stopped(event)

    def dies(self, task: Task, exit_code: int | None = KILLED) -> None:
        self.stopped.append(task.stop(exit_code))

    # People

    def ask(self, strategy_id: UUID, *, manual: bool, key: int | None = None) -> None:
        asked_for = hashlib.sha256(f"{strategy_id} {manual}".encode()).hexdigest()
        idempotency = None if key is None else Idempotency(f"key {key}", asked_for)
        books = AskBooks(self._database())
        retraining = Retraining(books, self._launcher(), self.clock, RUNS_PER_HOUR)
        if manual:
            wish = Wish(strategy_id, "asked for by hand", manual=True)
            asked = retraining.train(USER, wish, idempotency)
        else:
            asked = retraining.check(USER, strategy_id, force=False, idempotency=idempotency)
        self._told(asked, idempotency)

    @property
    def control(self) -> Control:
        return Control(self._database())

    # Trainers

    def begin(self, task: Task) -> None:
        """Take the run that the task was started for, later the next one; end where none is."""
        books, first = self.books_of(task), not task.begun
        task.begun = True
        assignment = books.begin(task.started_for.run_id, task.arn) if first else None
        assignment = assignment or books.begin_next(task.arn)
        if assignment is None:
            self.dies(task, exit_code=0)
            return
        self.history.began(assignment)
        task.take(assignment)
        self._accepted(task)

    def get_on(self, task: Task, kind: str = "better") -> None:
        """The next thing that a trainer does when all goes well."""
        if task.assignment is None:
            self.begin(task)
        elif task.outdated:
            self.judge_again(task)
        else:
            self.publish(task, kind)

    def beat(self, task: Task) -> None:
        self.books_of(task).heartbeat(task.holds, Progress("fitting"), 1.0)
        self._accepted(task)

    def judge_again(self, task: Task) -> None:
        task.assignment = self.books_of(task).refresh(task.holds)
        task.outdated = False

    def publish(self, task: Task, kind: str = "better") -> None:
        books, lesson = self.books_of(task), lesson_of(kind, task.holds, self.clock.now())
        if isinstance(lesson, Declined):
            books.decline(task.holds, lesson)
        else:
            books.publish(task.holds, lesson, artifact_key(*task.attempt), self.clock.now())
        self._accepted(task)
        self.seen[f"lessons learnt: {kind}"] += 1
        task.assignment = None

    def give_back(self, task: Task) -> None:
        self.books_of(task).interrupt(task.holds, "asked to stop")
        self._accepted(task)
        self.dies(task, TERMINATED)

    def fail(self, task: Task) -> None:
        self.books_of(task).fail(task.holds, "suspected_leak", "a feature knows the outcome")
        self._accepted(task)
        task.assignment = None

    def books_of(self, task: Task) -> TrainBooks:
        return TrainBooks(self.bench.wire.database(TRAINER, task.skew))

    # What befalls them

    def in_a_function(
        self,
        work: Callable[[], None],
        fault: Fault | None = None,
        meanwhile: Meanwhile = _nobody,
    ) -> bool:
        """Whether the function came to its end; else its event is delivered again."""
        try:
            return self._try(work, fault, meanwhile)
        except Killed:
            return False

    def in_a_task(
        self,
        task: Task,
        work: Callable[[Task], None],
        fault: Fault | None = None,
        meanwhile: Meanwhile = _nobody,
    ) -> None:
        try:
            self._try(lambda: work(task), fault, meanwhile)
        except Killed:
            self.dies(task)
        except ChampionChanged:
            self.seen["verdicts outdated"] += 1
            task.outdated = True
        except RunCancelled:
            task.assignment = None
        except RunTaken:
            self.seen["lost attempts refused"] += 1
            self.dies(task, exit_code=0)

    def _try(self, work: Callable[[], None], fault: Fault | None, meanwhile: Meanwhile) -> bool:
        wire = self.bench.wire
        struck = wire.struck
        try:
            with wire.breaking(fault, meanwhile):
                work()
        except CallerError:
            return True
        except DatabaseUnavailable:
            assert wire.struck > struck, "the database was there"
            return False
        finally:
            self.clock.pass_by(timedelta(seconds=1))
            if fault is not None and wire.struck > struck:
                self.seen[TOLD_OF_FAULTS[fault.how]] += 1
        return True

    def _had_gone_silent(self, freed: FreedRun) -> None:
        if freed.run.status is not Status.RUNNING or freed.status is Status.STARTING:
            return
        self.seen["attempts declared lost"] += 1
        beat_at = self._beats.get((freed.run.run_id, freed.run.fence))
        alive = beat_at is not None and self.passed - beat_at < RUNNING_LEASE
        assert not alive, "a run was declared lost whose trainer had just given a sign of life"

    def _told(self, asked: Asked, idempotency: Idempotency | None) -> None:
        if asked.run_id is None:
            return
        self.history.promised(asked.run_id)
        if idempotency is not None and asked.should_retrain:
            first = self._answers.setdefault(idempotency, asked.run_id)
            assert first == asked.run_id, "one key was answered with two runs"

    def _accepted(self, task: Task) -> None:
        self.history.accepted(*task.attempt)
        self._beats[task.attempt] = self.passed

    def _database(self) -> Database:
        return self.bench.wire.database()

    def _launcher(self) -> Launcher:
        return Launcher(LaunchBooks(self._database()), self.cluster, TASKS_AT_ONCE)


def pick(items: Sequence[Item], n: int) -> Item:
    return items[n % len(items)]


def lesson_of(kind: str, assignment: Assignment, as_of: datetime) -> Lesson:
    read = rows(as_of)
    if kind == "declined":
        return replace(declined(), rows=read)
    rival = assignment.champion.version if assignment.champion else BASE_RATE
    evidence: dict[str, Evidence] = {
        "better": comparison(0.60, 0.65, against=rival),
        "worse": comparison(0.70, 0.65, against=rival),
        "too few": too_few(rival),
    }
    return challenger(evidence[kind], rows=read)
