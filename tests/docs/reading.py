"""Reads the pages as a person does: by their tables, and by what stands in code marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def page(name: str) -> str:
    """`name` is the file's, from the repository's root on."""
    return (ROOT / name).read_text()


def rows(text: str, first_cell: str) -> Iterator[list[str]]:
    """The cells of the table whose header starts with that cell."""
    table = text[text.index(f"| {first_cell} |") :].split("\n\n")[0]
    for line in table.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)
