"""Measures what the product must reach, row by row, and writes the table.

Ratios are of one run: ours and the reference take turns. A run on a busy machine still tells the
ratios, hardly the times.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.performance import (  # noqa: F401 -- importing them registers their rows
    api,
    check,
    fanout,
    load,
    predict,
    recorded,
    retrain,
    start,
)
from bench.performance.processes import ROOT, tell_all_memory
from bench.performance.rows import (
    NotMeasured,
    Result,
    Row,
    chosen,
    figure,
    keep,
    table,
    write_table,
)
from bench.performance.scene import FULL, SMOKE, Scene

RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"


def main() -> int:
    asked = _arguments()
    _forget_the_machine()
    try:
        rows = chosen(asked.only)
    except ValueError as exc:
        sys.exit(str(exc))
    with tempfile.TemporaryDirectory(prefix="bench-", dir=asked.scratch) as folder:
        sizes = SMOKE if asked.smoke else FULL
        scene = Scene(sizes, Path(folder), asked.plain, RESULTS / "learning.json")
        try:
            results = list(measured(rows, scene))
        finally:
            scene.close()
    if not asked.smoke:
        _write(results)
    print(table(results))
    wanted = [one for one in rows if one.group != "learning"]
    return 0 if len(results) >= len(wanted) else 1


def measured(rows: Sequence[Row], scene: Scene) -> Iterator[Result]:
    """Each row in turn; one that fails is told, and the others go on."""
    for number, row in enumerate(rows, start=1):
        print(f"[{number}/{len(rows)}] {row.name}: {row.what}", flush=True)
        began = time.perf_counter()
        try:
            pair = row.measure(scene)
        except NotMeasured as exc:
            print(f"    not measured: {exc}", flush=True)
            continue
        except Exception as exc:
            print(f"    FAILED: {type(exc).__name__}: {exc}", flush=True)
            continue
        result = Result.of(row, pair)
        tell_all_memory()
        print(f"    {told(result)}  [{time.perf_counter() - began:.0f} s]", flush=True)
        yield result


def told(result: Result) -> str:
    ours, reference = figure(result.ours), figure(result.reference)
    met = "met" if result.met else "NOT MET"
    return (
        f"{ours} {result.unit} against {reference} {result.unit}: {figure(result.ratio)},"
        f" target {figure(result.target)}, {met}. {result.told}"
    )


def _write(results: Sequence[Result]) -> None:
    everything = keep(RESULTS / "latest.json", results)
    about = (
        f"Last written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by `make bench`: Python"
        f" {platform.python_version()}, {os.cpu_count()} cores, load"
        f" average at the end {os.getloadavg()[0]:.1f}."
    )
    write_table(PAGE, everything, about)


def _forget_the_machine() -> None:
    """What is set here for other work must not lead anywhere else."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PG", "DATABASE_URL", "POWERTOOLS_", "ECS_")):
            del os.environ[name]
    os.environ |= {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "POWERTOOLS_SERVICE_NAME": "auto-retrain",
        "OMP_NUM_THREADS": "1",
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=(__doc__ or "").partition("\n")[0]
    )
    add = parser.add_argument
    add("--only", type=_names, default=[], help="these rows or groups, such as check,load.time")
    add(
        "--smoke", action="store_true", help="small sizes: does every row still run? Writes nothing"
    )
    add("--plain", type=Path, default=ROOT / ".venv-bench", help="where the script's libraries are")
    add("--scratch", type=Path, help="where the databases lie meanwhile, 10 GB")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    sys.exit(main())
