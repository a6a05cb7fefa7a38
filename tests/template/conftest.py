"""The template as plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoretrain_local.template import TEMPLATE, load


@pytest.fixture(scope="session")
def root() -> Path:
    return TEMPLATE.parent


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return load(TEMPLATE)
