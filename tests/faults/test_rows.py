from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.page import PAGE, section, sections
from tests.faults.rows import ROWS

TESTS = Path(__file__).parents[1]


def carried() -> Iterator[str]:
    """The rows that tests name, wherever they lie, also those of a table's cases."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from re.findall(r"^[FB]\d+\b", node.value)


@pytest.mark.parametrize("letter", ["F", "B"])
def test_every_row_is_carried_by_a_test(letter: str) -> None:
    rows = {name for name in ROWS if name.startswith(letter)}

    assert sorted(rows - set(carried())) == []


@pytest.mark.parametrize(("name", "text"), sections().items(), ids=sections())
def test_page_says_what_is_promised_and_what_was_measured(name: str, text: str) -> None:
    # To write it anew: python -m tests.faults.page
    assert section(PAGE.read_text(), name) == text
