from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.local.gateway.bridge import Gateway


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with ExitStack() as undo:
        yield Gateway(undo)
