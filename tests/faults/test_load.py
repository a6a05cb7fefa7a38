from __future__ import annotations

from pathlib import Path

from tests.faults.figures import Figures
from tests.load.figures import promises
from tests.load.hour import SHORT, play


def test_busiest_hour_keeps_every_promise(clone: str, tmp_path: Path, figures: Figures) -> None:
    figures.load = play(clone, tmp_path, SHORT)

    assert [told for told, holds in promises(figures.load) if not holds] == []
