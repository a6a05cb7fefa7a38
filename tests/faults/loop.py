"""The loop on a bad day: the real services on a real database, with the stand-in for ECS that
runs tasks, and whatever else a test lets fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Event
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg2.extras import NamedTupleCursor

from autoretrain.aws.tasks import ClusterTasks, FargateTasks
from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment
from autoretrain.domain.work import Claimed
from autoretrain.ports import ArtifactStore, Clock, Invoker, Learner, TaskLauncher, Training
from autoretrain.services.check import Checked, Checker
from autoretrain.services.dispatch import Dispatched, Dispatcher
from autoretrain.services.launch import Launcher
from autoretrain.services.notify import Notifier
from autoretrain.services.stop import Stopper
from autoretrain.services.train import Trainer, TrainingEvent
from autoretrain.storage.checking import CheckBooks
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.database import API, TRAINER, Database
from autoretrain.storage.dispatching import DispatchBooks
from autoretrain.storage.launching import LaunchBooks
from autoretrain.storage.outbox import OutboxBooks
from autoretrain.storage.stopping import StopBooks
from autoretrain.storage.training import TrainBooks
from autoretrain_local.ecs_endpoint import Ecs, TaskDefinition
from autoretrain_local.endpoints import Endpoints, Request, Response
from functions.task_stopped import app as task_stopped
from tests.fakes import FakeArtifacts, FakeCluster, FakeInvoker, FakeLearner
from tests.faults.bench import Bench
from tests.faults.history import History, look
from tests.faults.wire import Fault
from tests.world import World

CLUSTER = "training"
SLEEPER = ["sleep", "600"]
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
# Where it is done hundreds of times, TRUNCATE's new files take longer than all else.
_NOTHING = """
DELETE FROM autoretrain.strategy_training;
DELETE FROM autoretrain.model_artifacts;
DELETE FROM autoretrain.idempotency_keys;
DELETE FROM autoretrain.training_runs;
DELETE FROM autoretrain.current_decisions;
DELETE FROM autoretrain.retrain_decisions;
DELETE FROM autoretrain.model_activations;
DELETE FROM autoretrain.outbox;
DELETE FROM public.ai_strategy_ml_models;
DELETE FROM public.trades;
DELETE FROM public.ai_strategies;
UPDATE autoretrain.launch_control
SET refusals_in_a_row = 0, stopped_reason = NULL, probed_at = '-infinity';
"""
_NO_TIME: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 0)
"""For notifications; what has to be told waits."""


@dataclass
class Loop:
    """`asked` are the operations that ECS was asked for, `told` the events of its tasks, which
    nobody hears of before a test delivers them; with a `cluster`, ECS has no part in it."""

    bench: Bench
    ecs: Ecs
    endpoints: Endpoints
    definitions: list[TaskDefinition]
    asked: list[str]
    told: list[dict[str, Any]]
    mail: FakeInvoker = field(default_factory=FakeInvoker)
    artifacts: ArtifactStore = field(default_factory=FakeArtifacts)
    task_definition: str = "trainer"
    cluster: FakeCluster | None = None
    passed: timedelta = timedelta()
    _fault: ExitStack = field(default_factory=ExitStack)
    _history: History = field(default_factory=History)

    @property
    def world(self) -> World:
        return World(self.bench.url)

    @property
    def slot(self) -> datetime:
        now = datetime.now(UTC) + self.passed
        return now.replace(minute=0, second=0, microsecond=0)

    def start_anew(self) -> None:
        """Nothing has happened yet."""
        self.bench.run(_NOTHING)
        self.passed, self._history = timedelta(), History()
        self.mail.events.clear()
        self.told.clear()

    def due(self) -> UUID:
        strategy_id = uuid4()
        self.bench.enrol(strategy_id, datetime.now(UTC))
        return strategy_id

    def pass_by(self, passed: timedelta) -> None:
        self.bench.pass_by(passed)
        self.passed += passed

    def strike(self, fault: Fault) -> None:
        """The database fails so, at a call counted from now on, until `mend`."""
        self._fault.enter_context(self.bench.wire.breaking(fault, lambda _: None))

    def mend(self) -> None:
        self._fault.close()

    def look(self) -> None:
        """Every rule of the books holds, or AssertionError says which one does not."""
        self._history.saw(look(self.bench.wire.real))

    # The services

    def database(self, role: str = API) -> Database:
        return self.bench.wire.database(role)

    def dispatch(self, invoker: Invoker | None = None) -> Dispatched:
        dispatcher = Dispatcher(
            DispatchBooks(self.database()),
            self.cluster or ClusterTasks(CLUSTER),
            invoker or self.mail,
            strategies_per_check=1,
            checks_per_second=0,
        )
        return dispatcher.tick(self.slot, lambda: 60.0, lambda _: None)

    def tick(self) -> Dispatched:
        """The tick, and the checks that it sends."""
        dispatched = self.dispatch()
        self.check_mail()
        return dispatched

    def check_mail(self) -> list[Checked]:
        """Every check that has been sent; each is delivered once."""
        checked = []
        while self.mail.events:
            checked += self.check_event(self.mail.events.pop(0)) or []
        return checked

    def check_event(self, event: Json) -> list[Checked] | None:
        ids, slot = event["strategy_ids"], datetime.fromisoformat(str(event["slot"]))
        assert isinstance(ids, list)
        return self._checker().check([UUID(str(one)) for one in ids], slot)

    def check(self, *strategies: UUID) -> list[Checked]:
        checked = self._checker().check(strategies, self.slot)
        assert checked is not None
        return checked

    def _checker(self) -> Checker:
        database = self.database()
        return Checker(CheckBooks(database), self.launcher())

    def launcher(self, tasks: TaskLauncher | None = None) -> Launcher:
        return Launcher(LaunchBooks(self.database()), tasks or self.cluster or self.fargate(), 100)

    def fargate(self, subnet: str = "subnet-1", *, spot: bool = False) -> FargateTasks:
        return FargateTasks(
            CLUSTER, self.task_definition, (subnet,), ("sg-1",), "DISABLED", spot=spot
        )

    def deliver(self, event: dict[str, Any]) -> int:
        """An event of ECS to whom the rule leads it: task_stopped hears of stopped tasks alone.
        Returns how many runs ended with the task."""
        if event["detail"]["lastStatus"] != "STOPPED":
            return 0
        services = Stopper(StopBooks(self.database())), Notifier(OutboxBooks(self.database()), ())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(task_stopped, "services", lambda: services)
            ended: int = task_stopped.handler(event, _NO_TIME)["ended"]
        return ended

    def deliver_all(self) -> None:
        while self.told:
            self.deliver(self.told.pop(0))

    def trainer(
        self,
        learner: Learner | None = None,
        clock: Clock | None = None,
        pulse: Training | None = None,
        **changes: Any,
    ) -> Trainer:
        working = self.database(TRAINER)
        return Trainer(
            books=TrainBooks(working),
            pulse_books=pulse or TrainBooks(self.bench.pulse),
            learner=learner or FakeLearner(),
            artifacts=self.artifacts,
            clock=clock or DatabaseClock(working),
            watch=lambda *_: None,
            **changes,
        )

    def train(
        self, run_id: UUID | None = None, task_arn: str | None = None, **changes: Any
    ) -> list[TrainingEvent]:
        """A trainer's whole life, in this process."""
        return list(self.trainer(**changes).work(run_id, task_arn, Event()))

    def kill(self, task_arn: str) -> None:
        """The task's process dies by SIGKILL; ECS tells of it."""
        (task,) = [task for arn, task in self.ecs._tasks.items() if arn == task_arn]
        task._kill()
        self.ecs.join(task_arn)

    def metadata_of(self, task_arn: str) -> str:
        return f"{self.endpoints.url}/v4/{task_arn.rpartition('/')[2]}"

    def deploy(self, image_digest: str) -> None:
        """From now on tasks are launched on another image."""
        newest = max(self.definitions, key=lambda definition: definition.revision)
        revision = newest.revision + 1
        self.definitions.append(replace(newest, revision=revision, image_digest=image_digest))
        self.task_definition = self.definitions[-1].arn

    # What they leave

    def _read(self, statement: str, *values: Any) -> list[Any]:
        real = self.bench.wire.real
        with real, real.cursor(cursor_factory=NamedTupleCursor) as cursor:
            cursor.execute(statement, values)  # type: ignore[no-untyped-call]
            return list(cursor.fetchall())

    def strategies(self) -> list[UUID]:
        held = self._read("SELECT strategy_id FROM autoretrain.strategy_training")
        return [UUID(str(one.strategy_id)) for one in held]

    def runs(self, strategy_id: UUID) -> list[Any]:
        return self._read(
            "SELECT * FROM autoretrain.training_runs WHERE strategy_id = %s ORDER BY queued_at",
            strategy_id,
        )

    def run(self, strategy_id: UUID) -> Any:
        (run,) = self.runs(strategy_id)
        return run

    def claimed(self, strategy_id: UUID) -> UUID:
        (checked,) = self.check(strategy_id)
        assert isinstance(checked.claim, Claimed)
        return checked.claim.run_id

    def claimed_again(self, strategy_id: UUID) -> UUID:
        """In the next hour."""
        self.pass_by(HOUR)
        return self.claimed(strategy_id)

    def begun(self, strategy_id: UUID) -> Assignment:
        """A run that a trainer, in this process, has just taken."""
        run_id = self.claimed(strategy_id)
        books = TrainBooks(self.database(TRAINER))
        assignment = books.begin(run_id, self.run(strategy_id).task_arn)
        assert assignment is not None
        return assignment

    def active(self, strategy_id: UUID) -> list[str]:
        found = self._read(
            "SELECT version FROM ai_strategy_ml_models WHERE is_active AND strategy_id = %s",
            strategy_id,
        )
        return [row.version for row in found]

    def trained(self, strategy_id: UUID) -> None:
        """As a user would want it: v1 is live."""
        self.train(self.claimed(strategy_id))
        assert self.active(strategy_id) == ["v1"]

    def new_trade(self, strategy_id: UUID) -> None:
        self.bench.add_trade(strategy_id, datetime.now(UTC))

    def launches(self) -> int:
        return self.asked.count("RunTask")


@contextmanager
def loop_on(bench: Bench) -> Iterator[Loop]:
    with ExitStack() as undo:
        endpoints, asked, told = Endpoints(), list[str](), list[dict[str, Any]]()
        definitions = [TaskDefinition("trainer", "trainer", SLEEPER)]
        ecs = Ecs(CLUSTER, definitions, endpoints.url, told.append, lambda *_: None)

        def answer(request: Request) -> Response:
            asked.append(request.headers.get("X-Amz-Target", "").rpartition(".")[2])
            return ecs.answer(request)

        endpoints.mount("/", answer)
        undo.enter_context(endpoints)
        undo.callback(ecs.close)
        patch = undo.enter_context(pytest.MonkeyPatch.context())
        for name, value in {
            "AWS_ENDPOINT_URL_ECS": endpoints.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        yield Loop(bench, ecs, endpoints, definitions, asked, told)
