"""Owns the table: every row with its name, unit, reference and target, and what measures it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.performance.scene import Scene

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


class NotMeasured(Exception):
    """The row cannot be measured here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours and the reference in the row's unit, of one run; `told` is what else there is to say."""

    ours: float
    reference: float
    told: str = ""


Measure = Callable[[Scene], Pair]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. The target is met when ours / reference is not above it."""

    name: str
    what: str
    unit: str
    reference_name: str
    target: float
    measure: Measure

    @property
    def group(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Result:
    """A measured row as `latest.json` has it; `ratio` and `target` have the reference as 1."""

    name: str
    unit: str
    ours: float
    reference: float
    reference_name: str
    ratio: float
    target: float
    met: bool
    what: str
    told: str

    @classmethod
    def of(cls, row: Row, pair: Pair) -> Result:
        ratio = pair.ours / pair.reference
        return cls(
            row.name,
            row.unit,
            pair.ours,
            pair.reference,
            row.reference_name,
            ratio,
            row.target,
            ratio <= row.target,
            row.what,
            pair.told,
        )


ROWS: dict[str, Row] = {}


def row(
    name: str, what: str, unit: str, reference: str, target: float
) -> Callable[[Measure], Measure]:
    """Register what it decorates as the measure of this row. Raises ValueError for a known name."""

    def register(measure: Measure) -> Measure:
        if name in ROWS:
            raise ValueError(f"two rows are called {name}")
        ROWS[name] = Row(name, what, unit, reference, target, measure)
        return measure

    return register


def chosen(only: Sequence[str]) -> list[Row]:
    """The rows of these names or groups, all where none is named, in the order of the table.

    Raises ValueError for a name that there is not.
    """
    known = {*ROWS, *(one.group for one in ROWS.values())}
    if unknown := sorted(set(only) - known):
        raise ValueError(f"no row {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    return [one for one in ROWS.values() if not only or {one.name, one.group} & set(only)]


def keep(path: Path, results: Sequence[Result]) -> list[Result]:
    """Write the results over those of earlier runs; returns all that the file holds now."""
    held = {one.name: one for one in stored(path)} | {one.name: one for one in results}
    ordered = [held[name] for name in ROWS if name in held]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(one) for one in ordered], indent=2) + "\n", "utf-8")
    return ordered


def stored(path: Path) -> list[Result]:
    if not path.exists():
        return []
    return [Result(**one) for one in json.loads(path.read_text("utf-8"))]


def table(results: Sequence[Result]) -> str:
    """The results in Markdown."""
    lines = [
        "| what | ours | reference | | ratio | target | |",
        "|---|---:|---:|---|---:|---:|---|",
    ]
    lines += [
        f"| {one.what}{f' ({one.told})' if one.told else ''}"
        f" | {figure(one.ours)} {one.unit} | {figure(one.reference)} {one.unit}"
        f" | {one.reference_name} | {figure(one.ratio)} | ≤ {figure(one.target)}"
        f" | {'met' if one.met else '**not met**'} |"
        for one in results
    ]
    return "\n".join(lines)


def figure(value: float) -> str:
    """Three digits that count, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def write_table(page: Path, results: Sequence[Result], about: str) -> None:
    """Put the table between its markers. Raises ValueError for a page without them."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} lacks {BEGIN} or {END}: put both back")
    page.write_text(f"{before}{BEGIN}\n{about}\n\n{table(results)}\n{END}{after}", "utf-8")
