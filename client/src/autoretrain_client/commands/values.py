"""What may stand behind the `=` of a NAME=VALUE on the command line, and the words for it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

_TRUTHS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value: how it is called, and how its text is read, with ValueError or KeyError
    for what is none."""

    called: str
    read: Callable[[str], Any]


def one_of(*words: str) -> Kind:
    """One of the words."""
    return Kind(f"one of {', '.join(words)}", {word: word for word in words}.__getitem__)


def or_none(kind: Kind) -> Kind:
    """A value of the kind, or none at all."""
    return Kind(f"{kind.called}, or none", lambda text: None if text == "none" else kind.read(text))


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _weights(text: str) -> dict[str, float]:
    weights = json.loads(text)
    if not isinstance(weights, dict) or not all(_is_number(each) for each in weights.values()):
        raise ValueError
    return weights


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _names(text: str) -> list[str]:
    if not text.startswith("["):
        return [name for part in text.split(",") if (name := part.strip())]
    names = json.loads(text)
    if not all(isinstance(name, str) for name in names):
        raise ValueError
    return list(names)


TRUTH = Kind("true or false", lambda text: _TRUTHS[text.lower()])
WHOLE = Kind("a whole number", int)
NUMBER = Kind("a number", _number)
WEIGHTS = Kind('a JSON object like {"rsi": 1.2}', _weights)
NAMES = Kind("names with commas between them, or a JSON list", _names)


def read(name: str, kind: Kind, text: str) -> Any:
    """The value that the text is. Raises ValueError, naming what is allowed."""
    try:
        return kind.read(text)
    except (ValueError, KeyError, RecursionError) as exc:
        raise ValueError(f"{name}: must be {kind.called}") from exc


def name_and_text(pair: str) -> tuple[str, str]:
    """Both sides of the first `=`. Raises BadParameter where there is none."""
    name, equals, text = pair.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{pair!r} is not NAME=VALUE")
    return name, text


def feature_weights(
    _: click.Context, __: click.Parameter, pairs: Sequence[str]
) -> dict[str, float] | None:
    """The weights of a repeated option, None where it is not given."""
    named = map(name_and_text, pairs)
    try:
        return {name: read(name, NUMBER, text) for name, text in named} or None
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from exc
