"""How answers look to people: plain text, figures, ages and tables.

Everything that is printed goes through `plain`: names come from others, and a control character in
one could rewrite what is on the screen.
"""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

ABSENT = "–"
_GAP = "  "
_NARROWEST = 12
"""Columns of a table that is too wide are narrowed down to this, the widest first."""
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def say(lines: Iterable[str], *, err: bool = False) -> None:
    """Print the lines."""
    for line in lines:
        click.echo(plain(line), err=err)


def plain(text: str) -> str:
    """The text on one line, without anything that a terminal would obey."""
    return "".join(
        character if character.isprintable() else " " if character.isspace() else "�"
        for character in text
    )


def figure(value: float | None, style: str = ",") -> str:
    """The value in that format."""
    return ABSENT if value is None else format(value, style)


def ago(moment: datetime | None) -> str:
    """How long ago it was, or how soon it will be."""
    if moment is None:
        return ABSENT
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for length, unit in _UNITS:
        count = round(abs(seconds)) // length
        if count:
            return f"{count} {unit} ago" if seconds > 0 else f"in {count} {unit}"
    return "just now"


def in_words(setting: object) -> str:
    """A setting's value, as `autoretrain set` takes it."""
    if setting is None:
        return "none"
    if isinstance(setting, float):
        return f"{setting:g}"
    return setting if isinstance(setting, str) else json.dumps(setting, ensure_ascii=False)


def shown(value: object) -> str:
    """A value of an answer, whatever it is."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def flat(figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each figure under its name; those of a part say of which."""
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from ((f"{name} {inner}", figure) for inner, figure in flat(value))
        else:
            yield name, shown(value)


def details(values: Mapping[str, str]) -> Iterator[str]:
    """One line for each name, the values below each other."""
    longest = max(map(len, values), default=0)
    for name, value in values.items():
        yield f"  {name:{longest}}{_GAP}{value}".rstrip()


def table(rows: Sequence[Mapping[str, str]], whole: str = "") -> Iterator[str]:
    """The rows under their names; on a terminal no wider than it is.

    The column `whole`, or else the last, keeps its width: it holds what is copied.
    """
    if not rows:
        return
    names = list(rows[0])
    kept = names.index(whole or names[-1])
    lines = [[name.upper() for name in names]]
    lines += [[plain(cell) for cell in row.values()] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    widths = _narrowed(widths, room, kept)
    for line in lines:
        cells = zip(line, widths, strict=True)
        yield cut(_GAP.join(_padded(cell, width) for cell, width in cells).rstrip(), room)


def cut(text: str, room: int | None) -> str:
    """As much of the text as there is room for, all of it where that is None."""
    if room is None or _width(text) <= room:
        return text
    while text and _width(text) >= room:
        text = text[:-1]
    return f"{text}…"


def _narrowed(widths: Sequence[int], room: int | None, kept: int) -> list[int]:
    narrowed = list(widths)
    others = [column for column in range(len(narrowed)) if column != kept]
    while room is not None and sum(narrowed) + len(_GAP) * (len(narrowed) - 1) > room:
        widest = max(others, key=narrowed.__getitem__, default=kept)
        if narrowed[widest] <= _NARROWEST:
            break
        narrowed[widest] -= 1
    return narrowed


def _padded(cell: str, width: int) -> str:
    shown = cut(cell, width)
    return shown + " " * (width - _width(shown))


def _width(text: str) -> int:
    return sum(map(_cells, text))


def _cells(character: str) -> int:
    """How many cells of a terminal the character takes."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
