"""What a condition is: one reason to retrain, judged by a strategy's figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autoretrain.domain.json import Json
from autoretrain.domain.models import Policy, Snapshot


@dataclass(frozen=True, slots=True)
class Condition:
    """One reason to retrain: whether it fired, in words and in figures."""

    name: str
    fired: bool
    line: str
    figures: Json


@dataclass(frozen=True, slots=True)
class Judged:
    """A condition, and its words in a decision's reason: `because` where it names the reason,
    `not_due` where none fired (None: nothing worth saying)."""

    condition: Condition
    because: str
    not_due: str | None


Judge = Callable[[Snapshot, Policy], Judged | None]
"""None where the condition is switched off."""
