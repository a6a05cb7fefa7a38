"""Tries one input after the other, made by chance but the same in every short run, and counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.faults.figures import Figures

Input = TypeVar("Input")

LONGER = 50

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["' OR 1=1--", "\x00", "../..", "9" * 400, "2026-03-02T12:00:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)


@dataclass(frozen=True)
class Fuzz:
    """`long` tries many more, and other ones in every run."""

    figures: Figures
    long: bool = False

    def __call__(
        self,
        what: str,
        inputs: st.SearchStrategy[Input],
        check: Callable[[Input], None],
        examples: int,
    ) -> None:
        """Give `check` so many inputs of this kind; the first that it refuses fails the test."""

        @settings(
            max_examples=examples * LONGER if self.long else examples,
            derandomize=not self.long,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(inputs)
        def every(one: Input) -> None:
            check(one)
            self.figures.inputs[what] += 1

        every()


def harmed(given: Any) -> st.SearchStrategy[Any]:
    """The JSON value with something in it, at any depth, missing or replaced."""
    paths = list(_paths(given))

    @st.composite
    def one(draw: st.DrawFn) -> Any:
        copy = json.loads(json.dumps(given))
        for _ in range(draw(st.integers(1, 3))):
            path = draw(st.sampled_from(paths))
            copy = _replaced(copy, path, draw(st.none() | json_values), gone=draw(st.booleans()))
        return copy

    return one()


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to everything in it, itself included."""
    found = [path]
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for name, held in inner:
        found += _paths(held, (*path, name))
    return found


def _replaced(value: Any, path: tuple[str | int, ...], by: Any, *, gone: bool) -> Any:
    if not path:
        return by
    name, *rest = path
    try:
        if gone and not rest:
            del value[name]
        else:
            value[name] = _replaced(value[name], tuple(rest), by, gone=gone)
    except (KeyError, IndexError, TypeError):
        return value  # an earlier harm has taken it away
    return value
