"""The active model does worse than it promised, by the rule that is in force."""

from __future__ import annotations

from autoretrain.domain.conditions.condition import Condition, Judged
from autoretrain.domain.degradation_rules import both_rules
from autoretrain.domain.models import Policy, Snapshot

DEGRADATION = "performance_degradation"


def performance_degradation(snapshot: Snapshot, policy: Policy) -> Judged:
    """The rule in force decides; the other one stands beside it."""
    rules = both_rules(snapshot, policy)
    told = rules.in_force.line
    return Judged(
        Condition(DEGRADATION, rules.in_force.fired, rules.line, rules.figures),
        because=f"performance degradation: {told}",
        not_due=f"performance: {told}",
    )
