"""Writes and reads what one training leaves to the next: both memories, and their record."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from autoretrain.domain.json import Json, JsonValue
from autoretrain.domain.models import Memory, StoredFile
from autoretrain.errors import ArtifactCorrupt
from autoretrain.ports import ArtifactStore
from autoretrain_trainer import fit, metrics
from autoretrain_trainer.artifact import columns_json, read_columns
from autoretrain_trainer.election import Record
from autoretrain_trainer.fit import Course, Model
from autoretrain_trainer.judge import unseen
from autoretrain_trainer.recipe import RECIPE_VERSION
from autoretrain_trainer.rows import Floats, Trades

FORMAT = 2
FRESH_SHARE = 0.2
"""A memory that does not stand is fitted anew once so much of it would be new. It only keeps the
record: a few rows more change little of what it is worth beside the other."""

_MICRONATS = 1e6
"""Losses are kept as whole numbers of these, which are written and read in a tenth of the time."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A memory as it was fitted, in LightGBM's text: few are ever asked again.

    `data_cutoff` is the largest `closed_at` among its `rows`, in microseconds since 2000-01-01 UTC.
    """

    text: str
    data_cutoff: int
    rows: int

    @classmethod
    def of(cls, model: Model, fitted: Trades) -> Kept:
        return cls(model.text.decode(), fitted.last_closed_at, len(fitted))

    def is_fresh(self, rows: Trades) -> bool:
        """Whether a memory of these rows would hold little that this one does not."""
        new = max(int((rows.closed_at > self.data_cutoff).sum()), len(rows) - self.rows)
        return new < FRESH_SHARE * len(rows)


@dataclass(frozen=True, slots=True, eq=False)
class Memories:
    """Both memories of one training, which read its trades at `read_at`, and their record.

    `short` is None where the long memory is the short one too. `course` is what both were fitted
    with.
    """

    read_at: int
    course: Json
    long: Kept
    short: Kept | None
    record: Record

    def of(self, memory: Memory) -> Kept | None:
        return self.long if memory is Memory.LONG else self.short

    def score(self, trades: Trades) -> Record:
        """How both did on what has closed since and neither had lived through.

        Every trade closes once: none is scored twice.
        """
        kept = [self.long] if self.short is None else [self.long, self.short]
        cutoff = max(memory.data_cutoff for memory in kept)
        since = trades.closed_at > self.read_at
        new = since & unseen(trades.decided_at, trades.closed_at, cutoff)
        if not new.any():
            return Record.empty()
        asked = trades.only(new)
        losses = [self._losses(memory, asked) for memory in kept]
        return Record(asked.decided_at, asked.closed_at, losses[0], losses[-1])

    def _losses(self, memory: Kept, asked: Trades) -> Floats:
        model = fit.load(memory.text.encode(), *read_columns({"format": 1, **self.course}))
        return metrics.losses(asked.win, model.predict(asked)).round(6)

    def to_bytes(self) -> bytes:
        stored = {
            "format": FORMAT,
            "read_at": self.read_at,
            "course": self.course,
            "long": asdict(self.long),
            "short": asdict(self.short) if self.short else None,
            "record": _record_json(self.record),
        }
        return json.dumps(stored, sort_keys=True, allow_nan=False).encode()


def course_json(course: Course) -> Json:
    """All but the rows that decides what a fit comes to."""
    return {
        **columns_json(course.inputs, course.symbols),
        "feature_weights": dict(course.weights),
        "seed": course.seed,
        "recipe": RECIPE_VERSION,
        "lightgbm": fit.LIGHTGBM_VERSION,
    }


def load_memories(file: StoredFile, artifacts: ArtifactStore) -> Memories:
    """Raises ArtifactMissing, ArtifactUnavailable or ArtifactCorrupt."""
    stored = json.loads(artifacts.get(file.key, file.sha256))
    if stored.get("format") != FORMAT:
        raise ArtifactCorrupt(f"The memories are not of format {FORMAT}, which this version reads.")
    return Memories(
        read_at=stored["read_at"],
        course=stored["course"],
        long=Kept(**stored["long"]),
        short=Kept(**stored["short"]) if stored["short"] else None,
        record=_record(stored["record"]),
    )


def _record_json(record: Record) -> Json:
    return {
        "decided_at": record.decided_at.tolist(),
        "closed_at": record.closed_at.tolist(),
        "long": _whole(record.long),
        "short": _whole(record.short),
    }


def _whole(losses: Floats) -> list[JsonValue]:
    whole: list[JsonValue] = np.rint(losses * _MICRONATS).astype(np.int64).tolist()
    return whole


def _record(stored: dict[str, list[int]]) -> Record:
    columns = {name: np.array(values, dtype=np.int64) for name, values in stored.items()}
    return Record(
        columns["decided_at"],
        columns["closed_at"],
        columns["long"] / _MICRONATS,
        columns["short"] / _MICRONATS,
    )
