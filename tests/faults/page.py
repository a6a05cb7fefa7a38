"""Writes what is promised, and what was measured, into the page on reliability:
`python -m tests.faults.page`."""

from __future__ import annotations

from pathlib import Path

from tests.faults.measured import measured
from tests.faults.rows import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def table(letter: str) -> str:
    rows = [row for row in ROWS.values() if row.name.startswith(letter)]
    lines = [f"| {row.name} | {row.injected} | {row.holds} |" for row in rows]
    return "\n".join(["| | what if … | what holds |", "|---|---|---|", *lines])


def sections() -> dict[str, str]:
    """What is written, by the name of its place on the page."""
    return {"faults": table("F"), "bad input": table("B"), "figures": measured()}


def section(page: str, name: str) -> str:
    """What stands between the two markers of that name."""
    return page.split(_begin(name))[1].split(_END)[0].strip()


def with_section(page: str, name: str, text: str) -> str:
    before, rest = page.split(_begin(name))
    return f"{before}{_begin(name)}\n{text}\n{_END}{rest.split(_END, 1)[1]}"


def _begin(name: str) -> str:
    return f"<!-- {name}: written by tests/faults/page.py -->"


_END = "<!-- end -->"


def main() -> None:
    page = PAGE.read_text()
    for name, text in sections().items():
        page = with_section(page, name, text)
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
