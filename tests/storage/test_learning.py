"""What one training leaves to the next, in the books and in the store."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg2
import pytest

from autoretrain.domain.models import Election, Memory, StoredFile
from autoretrain.services.train import Finished
from tests.fakes import FakeArtifacts
from tests.lessons import challenger, comparison, declined
from tests.storage.conftest import Stack
from tests.trainers import learning_trainer
from tests.world import NOW


@pytest.fixture
def strategy(stack: Stack) -> UUID:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, -1.0] * 60)
    return strategy_id


def stored(key: str, content: bytes) -> StoredFile:
    return StoredFile(f"{key}/memories.json", hashlib.sha256(content).hexdigest())


def test_next_training_is_given_what_the_last_one_has_left_activated_or_not(
    stack: Stack, strategy: UUID
) -> None:
    first = stack.running(strategy)
    assert first.memories is None
    stack.training.publish(first, challenger(memories=b"one"), "k/1", NOW)

    second = stack.running(strategy)
    assert second.memories == stored("k/1", b"one")
    kept = challenger(comparison(0.66, 0.65, against="v1"), memories=b"two")
    assert not stack.training.publish(second, kept, "k/2", NOW).activated

    assert stack.running(strategy).memories == stored("k/2", b"two")


def test_training_without_a_model_leaves_the_memories_as_they_are(
    stack: Stack, strategy: UUID
) -> None:
    stack.training.publish(stack.running(strategy), challenger(memories=b"one"), "k/1", NOW)
    stack.training.decline(stack.running(strategy), declined())

    assert stack.running(strategy).memories == stored("k/1", b"one")


def test_verdict_says_which_memory_stood(stack: Stack, strategy: UUID) -> None:
    election = Election(Memory.SHORT, scored=500, z=2.5)
    stack.training.publish(stack.running(strategy), challenger(election=election), "k/1", NOW)

    told = {"stood": "short", "scored": 500, "z": 2.5, "note": None}
    artifact = stack.world.one("SELECT verdict FROM autoretrain.model_artifacts")
    assert artifact.verdict["memory"] == told
    (note,) = stack.world.run("SELECT payload FROM autoretrain.outbox")
    assert note.payload["verdict"]["memory"] == told


def test_pointer_to_the_memories_is_whole_or_not_there(stack: Stack, strategy: UUID) -> None:
    for half in ("memories_key = 'k/1'", "memories_key = 'k/1', memories_sha256 = 'abc'"):
        with pytest.raises(psycopg2.errors.CheckViolation):
            stack.world.run(f"UPDATE autoretrain.strategy_training SET {half}")


def signal(rows: int, seed: int) -> tuple[list[float | None], list[dict[str, float]]]:
    """Results, and a feature that leans on them."""
    chance = random.Random(seed)
    strength = [chance.gauss(0, 1) for _ in range(rows)]
    pnl_pcts: list[float | None] = [1.0 if chance.gauss(x, 1) > 0 else -1.0 for x in strength]
    return pnl_pcts, [{"rsi": x} for x in strength]


def trade(stack: Stack, strategy: UUID, rows: int, first: datetime, seed: int) -> None:
    pnl_pcts, features = signal(rows, seed)
    stack.world.trades(strategy, pnl_pcts, first=first, features=features)


def train(stack: Stack, strategy: UUID, artifacts: FakeArtifacts, now: datetime) -> Any:
    """One training with everything real but the store and the time; what it leaves to the next."""
    trainer = learning_trainer(stack.training, artifacts, now)
    _, ended = trainer.work(stack.starting(strategy), "task/1", threading.Event())
    assert isinstance(ended, Finished)
    pointer = stack.world.one(
        "SELECT memories_key, memories_sha256 FROM autoretrain.strategy_training"
    )
    return json.loads(artifacts.get(pointer.memories_key, pointer.memories_sha256))


def test_second_training_scores_the_trades_since_with_the_memories_of_the_first(
    stack: Stack,
) -> None:
    artifacts, strategy = FakeArtifacts(), stack.world.strategy()
    trade(stack, strategy, 120, NOW - timedelta(days=40), seed=1)
    then = NOW - timedelta(days=20)
    first = train(stack, strategy, artifacts, then)
    assert (first["long"]["rows"], first["record"]["long"]) == (120, [])

    trade(stack, strategy, 50, then + timedelta(days=1), seed=2)
    second = train(stack, strategy, artifacts, NOW)
    assert len(second["record"]["long"]) == 50
    assert second["read_at"] - first["read_at"] == 20 * 24 * 3600 * 1_000_000
