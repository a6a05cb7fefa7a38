"""Decides whether to retrain: asks every condition, and says why or why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from autoretrain.domain.conditions.condition import Condition, Judge, Judged
from autoretrain.domain.conditions.feature_drift import feature_drift
from autoretrain.domain.conditions.initial_training import initial_training
from autoretrain.domain.conditions.new_trades import new_trades
from autoretrain.domain.conditions.performance_degradation import (
    DEGRADATION,
    performance_degradation,
)
from autoretrain.domain.conditions.weekly_schedule import weekly_schedule
from autoretrain.domain.models import Policy, Snapshot

CONDITIONS: tuple[Judge, ...] = (
    initial_training,
    new_trades,
    performance_degradation,
    weekly_schedule,
    feature_drift,
)
"""The first that fires names the reason; the order decides no more."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a check concluded. `outcome` is the condition that named the reason, or why none did."""

    strategy_id: UUID
    strategy_name: str
    as_of: datetime
    should_retrain: bool
    outcome: str
    reason: str
    conditions: tuple[Condition, ...]
    model_version: str | None = None

    @property
    def degraded(self) -> bool:
        """Whether the active model was found degraded, whatever names the reason."""
        return self.condition(DEGRADATION).fired

    def condition(self, name: str) -> Condition:
        return next(condition for condition in self.conditions if condition.name == name)


def decide(snapshot: Snapshot, policy: Policy) -> Decision:
    """Judge every condition that is switched on, whatever the others say."""
    judged = [one for judge in CONDITIONS if (one := judge(snapshot, policy)) is not None]
    fired = next((one for one in judged if one.condition.fired), None)
    if not snapshot.has_enough_trades(policy):
        reason = f"too few trades: {snapshot.total_trades} of {policy.min_trades}"
        return _decision(snapshot, False, "too_few_trades", reason, judged)
    if fired is None:
        reason = "; ".join(one.not_due for one in judged if one.not_due is not None)
        return _decision(snapshot, False, "nothing_due", reason, judged)
    return _decision(snapshot, True, fired.condition.name, fired.because, judged)


def _decision(
    snapshot: Snapshot, yes: bool, outcome: str, reason: str, judged: Sequence[Judged]
) -> Decision:
    return Decision(
        snapshot.strategy_id,
        snapshot.name,
        snapshot.as_of,
        yes,
        outcome,
        reason,
        tuple(one.condition for one in judged),
        snapshot.model_version,
    )
