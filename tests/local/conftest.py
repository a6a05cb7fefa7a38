from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autoretrain_client.cli import main
from tests.local.trade_files import Import, csv_file


@pytest.fixture
def importing(tmp_path: Path) -> Import:
    """Import the rows into the database, and return the exit code."""

    def run(url: str, *rows: Sequence[str], strategy: str = "momentum", **options: Any) -> int:
        file = csv_file(tmp_path / "trades.csv", *rows)
        flags = [name for name, value in options.items() if value is True]
        values = [f"{name}={options[name]}" for name in options if name not in flags]
        more = [f"--{text.replace('_', '-')}" for text in (*flags, *values)]
        command = ["import-trades", str(file), "--strategy", strategy, "--database-url", url]
        return main([*command, *more])

    return run
