from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from uuid import UUID

import pytest

from autoretrain.domain.models import Assignment, Champion, StoredFile
from autoretrain.errors import ArtifactMissing
from autoretrain_trainer.ahead import fetched_ahead
from tests.fakes import NOON, FakeArtifacts

PATIENCE_SECONDS = 10
"""How long a failing test waits for what a passing one gets at once."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def assignment() -> Assignment:
    champion = Champion("v1", "models/v1", sha256(b"model"), sha256(b"manifest"), NOON, NOON)
    return Assignment(
        run_id=UUID(int=1),
        strategy_id=UUID(int=2),
        user_id=UUID(int=3),
        strategy_name="s",
        reason="",
        fence=1,
        attempt=1,
        manual=False,
        force=False,
        min_trades=60,
        feature_weights={},
        champion=champion,
        memories=StoredFile("models/v1/memories.json", sha256(b"memories")),
    )


class Watched(FakeArtifacts):
    """Tells when three files have been asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Barrier(4)

    def get(self, key: str, sha256: str) -> bytes:
        self.asked.wait(PATIENCE_SECONDS)
        return super().get(key, sha256)


def test_what_the_last_training_has_left_is_on_its_way_before_anybody_asks(
    assignment: Assignment,
) -> None:
    store = Watched()
    left = {"model.txt": b"model", "manifest.json": b"manifest", "memories.json": b"memories"}
    store.files |= {f"models/v1/{name}": content for name, content in left.items()}
    with fetched_ahead(store, assignment) as ahead:
        store.asked.wait(PATIENCE_SECONDS)
        for name, content in left.items():
            assert ahead.get(f"models/v1/{name}", sha256(content)) == content


def test_file_that_is_gone_is_told_of_where_it_is_asked_for(assignment: Assignment) -> None:
    with fetched_ahead(FakeArtifacts(), assignment) as ahead, pytest.raises(ArtifactMissing):
        ahead.get("models/v1/model.txt", sha256(b"model"))


def test_file_that_nobody_expected_is_fetched_when_it_is_asked_for(assignment: Assignment) -> None:
    store = FakeArtifacts()
    with fetched_ahead(store, replace(assignment, champion=None, memories=None)) as ahead:
        store.put("models/v0/model.txt", b"old", "text/plain")
        assert ahead.get("models/v0/model.txt", sha256(b"old")) == b"old"
