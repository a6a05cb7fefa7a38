from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.local.ecs.cluster import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    with ExitStack() as undo:
        yield Bench(undo)
