"""A report on its way: from a training's files over the books to whoever may read it."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from uuid import UUID

import pytest

from autoretrain.domain.gate import ActivationMode
from autoretrain.services.train import Finished, Trainer
from autoretrain.storage.reading import Reading
from autoretrain_trainer.learner import LightGBMLearner
from tests.fakes import FakeArtifacts, FakeClock
from tests.storage.conftest import Stack
from tests.world import NOW, USER


@pytest.fixture
def strategy(stack: Stack) -> UUID:
    chance = random.Random(1)
    values = [chance.gauss(0, 1) for _ in range(160)]
    strategy_id = stack.world.strategy()
    stack.world.trades(
        strategy_id,
        [1.0 if chance.gauss(value, 1) > 0 else -1.0 for value in values],
        features=[{"rsi": value} for value in values],
    )
    return strategy_id


def test_published_hash_leads_over_the_manifest_to_the_report(stack: Stack, strategy: UUID) -> None:
    artifacts, books = FakeArtifacts(), stack.training
    learner, clock = LightGBMLearner(books, artifacts), FakeClock(NOW)
    trainer = Trainer(books, stack.training, learner, artifacts, clock, lambda *_: None)
    _, ended = trainer.work(stack.starting(strategy), "task/1", threading.Event())
    assert isinstance(ended, Finished)

    row = Reading(stack.database()).model(USER, strategy, "v1")

    manifest = artifacts.files[f"{row.artifact_key}/manifest.json"]
    report = artifacts.files[f"{row.artifact_key}/report.json"]
    assert hashlib.sha256(manifest).hexdigest() == row.manifest_sha256
    assert hashlib.sha256(report).hexdigest() == json.loads(manifest)["report"]["sha256"]
    assert json.loads(report)["evidence"]["rows"] == row.judged_rows


def test_trainer_knows_what_the_strategy_asks_of_the_gate(stack: Stack, strategy: UUID) -> None:
    first = stack.running(strategy)
    assert first.activation_mode is ActivationMode.IF_BETTER
    stack.world.run("UPDATE autoretrain.strategy_training SET activation_mode = 'always'")
    assert stack.training.refresh(first).activation_mode is ActivationMode.ALWAYS
