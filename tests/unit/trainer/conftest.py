from __future__ import annotations

import pytest

from autoretrain.domain.models import Champion
from tests.unit.trainer.lessons import taught
from tests.unit.trainer.trade_stream import FakeArtifacts, market


@pytest.fixture
def artifacts() -> FakeArtifacts:
    return FakeArtifacts()


@pytest.fixture
def champion(artifacts: FakeArtifacts) -> Champion:
    return artifacts.store(taught(market(200)))
