"""Writes what is promised, and what was measured, into the page on reliability:
`python -m tests.faults.page FIGURES.json`, after `pytest --faults --fault-figures FIGURES.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.faults.rows import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def table(letter: str) -> str:
    rows = [row for row in ROWS.values() if row.name.startswith(letter)]
    lines = [f"| {row.name} | {row.injected} | {row.holds} |" for row in rows]
    return "\n".join(["| | what if … | what holds |", "|---|---|---|", *lines])


def measured(figures: Mapping[str, Any]) -> str:
    lines = [f"| {what} | {figure} |" for what, figure in _measured(figures)]
    return "\n".join(["| what was counted | |", "|---|---|", *lines])


def _measured(figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    rows = figures["rows"].values()
    yield "rows of the two tables that hold", f"{list(rows).count('holds')} of {len(rows)}"
    yield "steps of the model test without a broken rule", f"{figures['steps']:,}"
    yield "mutants of the product that the suite catches", f"{len(figures['mutants'])}"
    yield "single calls to database, S3 and ECS that failed", f"{figures['calls_failed']:,}"
    yield "bad inputs tried, none of them harmful", f"{sum(figures['inputs'].values()):,}"
    yield "rounds of threaded races", f"{sum(figures['races'].values()):,}"
    yield "seconds until a killed trainer's run is free", f"{figures['recovery_seconds']}"


def section(page: str, name: str) -> str:
    """What stands between the two markers of that name."""
    return page.split(_begin(name))[1].split(_END)[0].strip()


def with_section(page: str, name: str, text: str) -> str:
    before, rest = page.split(_begin(name))
    return f"{before}{_begin(name)}\n{text}\n{_END}{rest.split(_END, 1)[1]}"


def _begin(name: str) -> str:
    return f"<!-- {name}: written by tests/faults/page.py -->"


_END = "<!-- end -->"


def main(figures: Path | None) -> None:
    page = PAGE.read_text()
    page = with_section(page, "faults", table("F"))
    page = with_section(page, "bad input", table("B"))
    if figures is not None:
        page = with_section(page, "figures", measured(json.loads(figures.read_text())))
    PAGE.write_text(page)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
