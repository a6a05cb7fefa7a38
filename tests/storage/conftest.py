"""The books as the stack's own roles hold them, on the user's tables and on views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import pytest

from autoretrain.domain.conditions import decide
from autoretrain.domain.models import Assignment, Snapshot
from autoretrain.domain.work import Claimed, ClaimRequest, Launch, NotClaimed
from autoretrain.storage.checking import CheckBooks, read_snapshots
from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, TRAINER, Database
from autoretrain.storage.dispatching import DispatchBooks
from autoretrain.storage.launching import LaunchBooks
from autoretrain.storage.stopping import StopBooks
from autoretrain.storage.training import TrainBooks
from tests.world import World


@dataclass
class Stack:
    """Every service's books on one database, and short ways to a run in a given state."""

    url: str
    _opened: list[Database] = field(default_factory=list)

    def database(self, role: str = API) -> Database:
        self._opened.append(Database(lambda: connect(self.url), role))
        return self._opened[-1]

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()

    @property
    def world(self) -> World:
        return World(self.url)

    def snapshot(self, strategy_id: UUID, as_of: datetime | None = None) -> Snapshot:
        """As it is now, unless a time is given."""
        (snapshot,) = self.database().transaction(
            lambda tx: read_snapshots(tx, [strategy_id], as_of)
        )
        return snapshot

    def request(self, strategy_id: UUID, slot: datetime | None = None) -> ClaimRequest:
        snapshot = self.snapshot(strategy_id)
        reason = decide(snapshot, snapshot.policy).reason
        return ClaimRequest(
            strategy_id, snapshot.user_id, reason, snapshot.trades_read_at, slot=slot
        )

    def claim(self, strategy_id: UUID, slot: datetime | None = None) -> Claimed | NotClaimed:
        return CheckBooks(self.database()).claim(self.request(strategy_id, slot))

    def queued(self, strategy_id: UUID) -> UUID:
        claimed = self.claim(strategy_id)
        assert isinstance(claimed, Claimed)
        return claimed.run_id

    def starting(self, strategy_id: UUID, task_arn: str | None = "task/1") -> UUID:
        run_id = self.queued(strategy_id)
        books = LaunchBooks(self.database())
        launch = books.reserve_launch(run_id, 100)
        assert isinstance(launch, Launch)
        if task_arn is not None:
            books.record_task(launch, task_arn)
        return run_id

    def running(self, strategy_id: UUID, task_arn: str = "task/1") -> Assignment:
        run_id = self.starting(strategy_id, task_arn)
        assignment = self.training.begin(run_id, task_arn)
        assert assignment is not None
        return assignment

    @property
    def training(self) -> TrainBooks:
        return TrainBooks(self.database(TRAINER))

    @property
    def dispatching(self) -> DispatchBooks:
        return DispatchBooks(self.database())

    @property
    def launching(self) -> LaunchBooks:
        return LaunchBooks(self.database())

    @property
    def stopping(self) -> StopBooks:
        return StopBooks(self.database())

    @property
    def checking(self) -> CheckBooks:
        return CheckBooks(self.database())

    def expire_lease(self, run_id: UUID) -> None:
        self.world.run(
            "UPDATE autoretrain.training_runs SET lease_expires_at = now() - interval '1 s'"
            " WHERE id = %s",
            run_id,
        )


@pytest.fixture
def stack(either: str) -> Iterator[Stack]:
    """On tables, then on views."""
    yield from _closing(Stack(either))


@pytest.fixture
def own(clone: str) -> Iterator[Stack]:
    """On tables of our own making only."""
    yield from _closing(Stack(clone))


def _closing(stack: Stack) -> Iterator[Stack]:
    yield stack
    stack.close()
