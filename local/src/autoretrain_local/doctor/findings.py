"""What a look at something comes to: how it is, what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

ALL_GOOD, TO_MEND, NOT_SEEN = 0, 1, 2
"""Exit codes."""


class State(StrEnum):
    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `todo` is always there where something is to be mended; with
    what is good it is advice."""

    check: str
    state: State
    found: str
    todo: str | None = None


def good(check: str, found: str, advice: str | None = None) -> Finding:
    return Finding(check, State.GOOD, found, advice)


def bad(check: str, found: str, todo: str) -> Finding:
    return Finding(check, State.BAD, found, todo)


def unknown(check: str, found: str, todo: str) -> Finding:
    return Finding(check, State.UNKNOWN, found, todo)


def exit_code(findings: Iterable[Finding]) -> int:
    """What is known to be wrong counts more than what could not be looked at."""
    states = {finding.state for finding in findings}
    if State.BAD in states:
        return TO_MEND
    return NOT_SEEN if State.UNKNOWN in states else ALL_GOOD
