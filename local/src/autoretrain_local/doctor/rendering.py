"""The findings as people and programs read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from autoretrain_client.commands.printing import plain
from autoretrain_local.doctor.findings import Finding, State, exit_code

MARKS = {State.GOOD: "✓", State.BAD: "✗", State.UNKNOWN: "?"}


def lines(finding: Finding) -> Iterator[str]:
    """One line, and another with what to do."""
    yield plain(f"{MARKS[finding.state]} {finding.check}: {finding.found}")
    if finding.todo is not None:
        yield plain(f"    → {finding.todo}")


def summary(findings: Sequence[Finding]) -> str:
    count = {state: sum(finding.state is state for finding in findings) for state in State}
    if exit_code(findings) == 0:
        return f"all good: {count[State.GOOD]} things looked at"
    return f"{count[State.BAD]} to mend, {count[State.UNKNOWN]} not seen, {count[State.GOOD]} good"


def as_json(findings: Sequence[Finding]) -> str:
    told = {"exit_code": exit_code(findings), "findings": [asdict(one) for one in findings]}
    return json.dumps(told, indent=2, ensure_ascii=False)
