"""Stands in for time, the duration of a training, and the model store."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from autoretrain.domain.models import Assignment, Lesson
from autoretrain.errors import ArtifactCorrupt, ArtifactMissing
from autoretrain.ports import Learner, Report


@dataclass
class SimulatedClock:
    """The time of the past that is being played; see `autoretrain.ports.Clock`."""

    time: datetime

    def now(self) -> datetime:
        return self.time


@dataclass
class Shelf:
    """Models in memory; see `autoretrain.ports.ArtifactStore`."""

    files: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, content: bytes, content_type: str) -> None:  # noqa: ARG002 -- the port
        if self.files.setdefault(key, content) != content:
            raise ArtifactCorrupt(f"{key} holds something else")

    def get(self, key: str, sha256: str) -> bytes:
        if key not in self.files:
            raise ArtifactMissing(f"there is no {key}")
        if hashlib.sha256(self.files[key]).hexdigest() != sha256:
            raise ArtifactCorrupt(f"{key} has another hash")
        return self.files[key]

    def keep_only(self, folders: set[str]) -> None:
        """Drop what no one will ask for again: a long past has thousands of models."""
        self.files = {
            key: content for key, content in self.files.items() if key.rpartition("/")[0] in folders
        }


@dataclass(frozen=True, slots=True)
class SlowLearner:
    """Learns as the one inside does, and lets the simulated time of a training pass; see
    `autoretrain.ports.Learner`."""

    learner: Learner
    clock: SimulatedClock
    takes: timedelta

    def learn(self, assignment: Assignment, as_of: datetime, report: Report) -> Lesson:
        try:
            return self.learner.learn(assignment, as_of, report)
        finally:
            self.clock.time += self.takes
