"""What the fault suite has counted, for the terminal and for the documentation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.soak_figures import SoakFigures
from tests.load import figures as busy
from tests.load.hour import Hour

HAPPENS = (
    "attempts declared lost",
    "lessons learnt: better",
    "lost attempts refused",
    "processes killed",
    "services overtaken by another",
)
"""What a model test that proves anything has seen often."""
MUTANTS = (
    "no fence check",
    "no transaction",
    "no partial index",
    "lease by client clock",
    "claim as one CTE",
    "publish without FOR UPDATE",
)


@dataclass
class Figures:
    """`steps` of the model test after each of which every rule held, and what happened in them;
    `races` are rounds by name, `mutants` who caught which, `inputs` how many of which kind were
    tried and did no harm. `calls_failed` are the calls to database and AWS that failed, each in an
    operation of its own; `recovery_seconds` from a trainer's death, unheard of, until its run is
    free for the next."""

    steps: int = 0
    examples: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    races: dict[str, int] = field(default_factory=dict)
    mutants: dict[str, str] = field(default_factory=dict)
    calls_failed: int = 0
    recovery_seconds: int | None = None
    inputs: Counter[str] = field(default_factory=Counter)
    soak: SoakFigures | None = None
    load: Hour | None = None

    def to_json(self) -> dict[str, object]:
        return {
            "steps": self.steps,
            "examples": self.examples,
            "seen": dict(sorted(self.seen.items())),
            "races": self.races,
            "mutants": self.mutants,
            "calls_failed": self.calls_failed,
            "recovery_seconds": self.recovery_seconds,
            "inputs": dict(self.inputs),
            "soak": self.soak.to_json() if self.soak else None,
            "load": busy.to_json(self.load) if self.load else None,
        }

    def lines(self) -> list[str]:
        lines = []
        if self.steps:
            seen = ", ".join(f"{count:,} {name}" for name, count in sorted(self.seen.items()))
            lines.append(
                f"model test: {self.steps:,} steps in {self.examples:,} examples, after each of"
                " which every rule of the books held"
            )
            lines.append(f"  among them {seen}")
        lines += [f"race: {name}, {rounds} rounds" for name, rounds in self.races.items()]
        if self.mutants:
            lines.append(f"mutants killed: {len(self.mutants)} of {len(MUTANTS)}")
            lines += [f"  {name}: {by}" for name, by in self.mutants.items()]
        if self.calls_failed:
            lines.append(f"calls that failed, one by one: {self.calls_failed:,}")
        if self.recovery_seconds is not None:
            lines.append(f"a killed trainer's run is free after {self.recovery_seconds} s")
        if self.inputs:
            lines.append(f"bad inputs tried: {self.inputs.total():,}")
            lines += [f"  {what}: {count:,}" for what, count in self.inputs.items()]
        if self.soak:
            lines += self.soak.lines()
        if self.load:
            lines += ["load:", *(f"  {line}" for line in busy.lines(self.load))]
        return lines
