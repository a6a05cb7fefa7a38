"""Clock, cloud and learner in memory: what a service did is what these hold afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment, Lesson
from autoretrain.errors import (
    ArtifactCorrupt,
    ArtifactMissing,
    ArtifactUnavailable,
    AutoRetrainError,
    DependencyError,
    InvokeFailed,
    LaunchUnknown,
)
from autoretrain.ports import Report
from tests.lessons import challenger

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Teach = Callable[[Assignment, Report], Lesson]


@dataclass
class FakeClock:
    """Stands still until a test lets time pass."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    def pass_by(self, passed: timedelta) -> None:
        self.time += passed


@dataclass
class FakeInvoker:
    """Takes every event but those that name a refused strategy."""

    events: list[Json] = field(default_factory=list)
    refused: set[UUID] = field(default_factory=set)

    def invoke(self, event: Json) -> None:
        if any(str(strategy_id) in str(event) for strategy_id in self.refused):
            raise InvokeFailed
        self.events.append(event)


@dataclass
class FakeCluster:
    """Starts and finds tasks; with `error` set it answers so, and an unknown launch still starts
    its task: only the answer is lost."""

    tasks: dict[tuple[UUID, int], str] = field(default_factory=dict)
    error: AutoRetrainError | None = None
    unlisted: bool = False

    def launch(self, run_id: UUID, attempt: int) -> str:
        if self.error is not None and not isinstance(self.error, LaunchUnknown):
            raise self.error
        task_arn = self.tasks.setdefault((run_id, attempt), f"task/{run_id}-{attempt}")
        if self.error is not None:
            raise self.error
        return task_arn

    def find(self, run_id: UUID, attempt: int) -> str | None:
        if self.unlisted:
            raise DependencyError("ECS does not list its tasks")
        return self.tasks.get((run_id, attempt))


@dataclass
class FakeArtifacts:
    """Files under keys that never change their content."""

    files: dict[str, bytes] = field(default_factory=dict)
    down: bool = False

    def put(self, key: str, content: bytes, content_type: str) -> None:
        if self.down:
            raise ArtifactUnavailable
        if self.files.setdefault(key, content) != content:
            raise ArtifactCorrupt

    def get(self, key: str, sha256: str) -> bytes:
        if self.down:
            raise ArtifactUnavailable
        if key not in self.files:
            raise ArtifactMissing(key)
        if hashlib.sha256(self.files[key]).hexdigest() != sha256:
            raise ArtifactCorrupt
        return self.files[key]


def a_challenger(assignment: Assignment, report: Report) -> Lesson:
    return challenger()


@dataclass
class FakeLearner:
    """Gives every strategy a better model, or what it is taught to give."""

    teach: dict[UUID, Teach] = field(default_factory=dict)

    def learn(self, assignment: Assignment, as_of: datetime, report: Report) -> Lesson:
        report("reading")
        return self.teach.get(assignment.strategy_id, a_challenger)(assignment, report)
