"""Bad luck by a seed: any call to the database or to AWS may fail, before it takes effect or
after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TypeVar, cast
from uuid import UUID

from psycopg2.extensions import connection

from autoretrain.domain.json import Json
from autoretrain.domain.notifications import Notification
from autoretrain.domain.work import Attempt
from autoretrain.errors import ArtifactUnavailable, DatabaseUnavailable, InvokeFailed
from autoretrain.storage.database import API, Database
from tests.fakes import FakeArtifacts, FakeInvoker
from tests.faults.cluster import Answer, Cluster, Task
from tests.faults.wire import Fault, How, Wire, _End

Result = TypeVar("Result")


@dataclass
class Luck:
    """`share` of all calls fail; `calls` and `failed` count them by what was called, as long as any
    may fail."""

    random: Random
    share: float
    calls: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def fails(self, what: str) -> bool:
        if not self.share:
            return False
        self.calls[what] += 1
        unlucky = self.random.random() < self.share
        self.failed[what] += unlucky
        return unlucky

    def too_late(self) -> bool:
        """Whether what failed has taken effect, and only its answer is lost."""
        return self.random.random() < 1 / 2


class UnluckyWire(Wire):
    """Each statement, commit and new connection may fail, and take its process with it; not that
    of a thread, which ends with no process."""

    def __init__(self, url: str, luck: Luck, *, of_thread: bool = False) -> None:
        super().__init__(url)
        self._luck = luck
        self._ways = [How.CUT] if of_thread else [How.CUT, How.KILLED]

    def database(self, role: str = API, skew: timedelta = timedelta()) -> Database:
        def opened() -> connection:
            if self._luck.fails("database"):
                raise DatabaseUnavailable
            return cast("connection", _End(self, skew))

        return Database(opened, role)

    def pass_on(self, end: _End, work: Callable[[], Result], *, commit: bool = False) -> Result:
        if not self._luck.fails("database"):
            return work()
        how = self._luck.random.choice(self._ways)
        return self._strike(Fault(how, done=self._luck.too_late()), end, work)


class UnluckyCluster(Cluster):
    """RunTask may start a task and not say so, start none, or have no room; ListTasks may not
    answer."""

    def __init__(self, luck: Luck) -> None:
        super().__init__()
        self._luck = luck

    def launch(self, run_id: UUID, attempt: int) -> str:
        bad = [Answer.LOST, Answer.NO_ANSWER, Answer.NO_CAPACITY]
        unlucky = self._luck.fails("ECS")
        self.answer = self._luck.random.choice(bad) if unlucky else Answer.STARTED
        return super().launch(run_id, attempt)

    def find(self, run_id: UUID, attempt: int) -> str | None:
        self.answer = Answer.NO_ANSWER if self._luck.fails("ECS") else Answer.STARTED
        return super().find(run_id, attempt)

    def forget_stopped(self) -> None:
        self.tasks = [task for task in self.tasks if not task.stopped]

    def _start(self, attempt: Attempt) -> Task:
        # Named after the attempt: those that have stopped are not counted any more.
        self.tasks.append(Task(f"task/{attempt.run_id}-{attempt.number}", attempt))
        return self.tasks[-1]


class UnluckyMail(FakeInvoker):
    def __init__(self, luck: Luck) -> None:
        super().__init__()
        self._luck = luck

    def invoke(self, event: Json) -> None:
        unlucky = self._luck.fails("Lambda")
        if not unlucky or self._luck.too_late():
            super().invoke(event)
        if unlucky:
            raise InvokeFailed


class UnluckyFiles(FakeArtifacts):
    def __init__(self, luck: Luck) -> None:
        super().__init__()
        self._luck = luck

    def put(self, key: str, content: bytes, content_type: str) -> None:
        unlucky = self._luck.fails("S3")
        if not unlucky or self._luck.too_late():
            super().put(key, content, content_type)
        if unlucky:
            raise ArtifactUnavailable


@dataclass
class UnluckyChannel:
    """`told` counts how often each notification was taken."""

    luck: Luck
    name: str = "topic"
    told: Counter[int] = field(default_factory=Counter)

    def send(self, notifications: Sequence[Notification]) -> Mapping[int, str]:
        if self.luck.fails("SNS"):
            return {note.id: "SNS does not answer" for note in notifications}
        self.told.update(note.id for note in notifications)
        return {}
