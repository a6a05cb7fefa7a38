"""A clock that stands still, and the fakes that share it."""

from __future__ import annotations

import pytest

from tests.fake_books import FakeBooks
from tests.fakes import FakeArtifacts, FakeClock, FakeCluster


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def artifacts() -> FakeArtifacts:
    return FakeArtifacts()


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def books(clock: FakeClock, artifacts: FakeArtifacts) -> FakeBooks:
    return FakeBooks(clock, artifacts)
