"""The page for bots names what there is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from autoretrain_client import ActiveModel, Prediction, Status

PAGE = (Path(__file__).parents[3] / "docs" / "bots.md").read_text(encoding="utf-8")
OF_TESTS = {"transport", "now"}
"""Options for those who put something else in the network's or the clock's place."""


def named(header: str) -> Iterator[str]:
    """The names in the first column of the table under that header."""
    table = PAGE[PAGE.index(f"| {header} |") :].split("\n\n")[0]
    for row in table.splitlines()[2:]:
        yield from re.findall(r"`(\w+)`", row.split("|")[1])


def test_options_are_those_of_the_signature_with_their_defaults() -> None:
    options = {
        name: option
        for name, option in inspect.signature(ActiveModel).parameters.items()
        if option.kind is option.KEYWORD_ONLY
    }
    assert list(named("option")) == [name for name in options if name not in OF_TESTS]
    for name in named("option"):
        default = options[name].default
        if isinstance(default, float):
            assert re.search(rf"^\| `{name}` \| {default:g} \|", PAGE, re.MULTILINE), name


def test_fields_are_those_of_a_prediction() -> None:
    assert list(named("field")) == [field.name for field in fields(Prediction)]


def test_fields_are_those_of_the_status() -> None:
    assert list(named("of the status")) == [field.name for field in fields(Status)]
