"""What is meant: a strategy by its id, its name, or as much of the name as tells it from others, a
run by as much of its id, and what comes closest to a word that is not known."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING
from uuid import UUID

import click

from autoretrain_client.errors import Invalid, NotFound

if TYPE_CHECKING:
    from autoretrain_client.answers import StrategySummary
    from autoretrain_client.client import Client

_UUID_LENGTH = 36
_BEGINNING_OF_ID = re.compile("[0-9a-f-]{6,36}")
_LISTED = 10

strategy_argument = click.argument("strategy")


@dataclass(frozen=True, slots=True)
class Named:
    """A strategy, and the words it was asked for by."""

    id: UUID
    name: str
    asked: str

    def command(self, name: str, *more: str) -> str:
        """The command line that does something else with the same strategy."""
        return f"`autoretrain {shlex.join([name, self.asked, *more])}`"


def find(client: Client, asked: str) -> Named:
    """The strategy that is meant. Raises NotFound for none, Invalid for several."""
    strategy_id = as_uuid(asked)
    if strategy_id is not None:
        return Named(strategy_id, asked, asked)
    candidates = list(client.strategies(search=asked))
    for fits in _CLOSER_FIRST:
        found = [each for each in candidates if fits(each.name, asked)]
        if len(found) == 1:
            return Named(found[0].id, found[0].name, asked)
        if found:
            raise _ambiguous(asked, found)
    raise NotFound(f"no strategy's name holds {asked!r}: `autoretrain strategies` lists them")


def as_uuid(text: str) -> UUID | None:
    """The identifier that the text is, None where it is none."""
    try:
        return UUID(text) if len(text) == _UUID_LENGTH else None
    except ValueError:
        return None


def may_begin_id(text: str) -> bool:
    """Whether the text may be the beginning of an identifier, long enough to mean one alone."""
    return _BEGINNING_OF_ID.fullmatch(text.lower()) is not None


def begun(asked: str, ids: Iterable[UUID]) -> UUID | None:
    """The one identifier that begins so, None for none. Raises Invalid for several."""
    found = [each for each in ids if str(each).startswith(asked.lower())]
    if len(found) > 1:
        listed = "\n".join(f"  {each}" for each in found[:_LISTED])
        raise Invalid(f"{asked!r} may be any of these: say more of the id\n{listed}")
    return found[0] if found else None


def closest(word: str, known: Iterable[str]) -> str:
    """A question whether one of these was meant, empty where none is near."""
    near = get_close_matches(word, list(known), n=2)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


_CLOSER_FIRST: tuple[Callable[[str, str], bool], ...] = (
    lambda name, asked: name == asked,
    lambda name, asked: name.casefold() == asked.casefold(),
    lambda name, asked: name.casefold().startswith(asked.casefold()),
    lambda name, asked: asked.casefold() in name.casefold(),
)


def _ambiguous(asked: str, found: Sequence[StrategySummary]) -> Invalid:
    lines = [f"  {each.name} ({each.id})" for each in found[:_LISTED]]
    if len(found) > _LISTED:
        lines.append(f"  … and {len(found) - _LISTED} more")
    listed = "\n".join(lines)
    return Invalid(f"{asked!r} may mean any of these: say more of the name, or the id\n{listed}")
