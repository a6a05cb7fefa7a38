"""When to retrain: four conditions, all evaluated at every check, each with its figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from autoretrain.domain.degradation_rules import BothRules, both_rules
from autoretrain.domain.json import Json
from autoretrain.domain.models import Policy, Snapshot

COUNTED_NEW_TRADES = 1_000
"""Where the check stops counting: no threshold lies above."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One reason to retrain: whether it fired, in words and in figures."""

    name: str
    fired: bool
    line: str
    figures: Json


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


def decide(snapshot: Snapshot, policy: Policy) -> Decision:
    """Judge every condition; the first that fires names the reason, the order decides no more."""
    rules = both_rules(snapshot, policy)
    conditions = (
        _initial_training(snapshot, policy),
        _new_trades(snapshot, policy),
        _performance_degradation(rules),
        _weekly_schedule(snapshot, policy),
    )
    fired = [condition for condition in conditions if condition.fired]
    if snapshot.total_trades < policy.min_trades:
        reason = f"too few trades: {snapshot.total_trades} of {policy.min_trades}"
        return _decision(snapshot, False, "too_few_trades", reason, conditions)
    if not fired:
        _, new, _, weekly = (condition.line for condition in conditions)
        reason = f"{new}; performance: {rules.in_force.line}; {weekly}"
        return _decision(snapshot, False, "nothing_due", reason, conditions)
    reason = _reason(fired[0], policy, rules)
    return _decision(snapshot, True, fired[0].name, reason, conditions)


def _decision(
    snapshot: Snapshot, yes: bool, outcome: str, reason: str, conditions: tuple[Condition, ...]
) -> Decision:
    return Decision(
        snapshot.strategy_id, snapshot.name, snapshot.as_of, yes, outcome, reason, conditions
    )


def _reason(condition: Condition, policy: Policy, rules: BothRules) -> str:
    if condition.name == "new_trades":
        return f"{policy.new_trades}+ new trades since last training"
    if condition.name == "performance_degradation":
        return f"performance degradation: {rules.in_force.line}"
    title = condition.name.replace("_", " ")
    return f"{title}: {condition.line}"


def _never_trained(snapshot: Snapshot) -> bool:
    return snapshot.trained_at is None and snapshot.model_version is None


def _initial_training(snapshot: Snapshot, policy: Policy) -> Condition:
    first, enough = _never_trained(snapshot), snapshot.has_enough_trades(policy)
    count = f"{policy.min_trades}+" if enough else f"{snapshot.total_trades} of {policy.min_trades}"
    line = f"{count} trades, no model yet" if first else "trained before"
    return Condition(
        "initial_training",
        first and enough,
        line,
        {
            "trades": snapshot.total_trades,
            "threshold": policy.min_trades,
            "trained_before": not first,
        },
    )


def _new_trades(snapshot: Snapshot, policy: Policy) -> Condition:
    fired = (
        not _never_trained(snapshot)
        and snapshot.has_enough_trades(policy)
        and snapshot.new_trades >= policy.new_trades
    )
    count = f"{snapshot.new_trades}{'+' * (snapshot.new_trades >= COUNTED_NEW_TRADES)}"
    line = f"{count} of {policy.new_trades} new trades since last training"
    if _never_trained(snapshot):
        line = "no training yet to count new trades from"
    return Condition(
        "new_trades",
        fired,
        line,
        {"new_trades": snapshot.new_trades, "threshold": policy.new_trades},
    )


def _weekly_schedule(snapshot: Snapshot, policy: Policy) -> Condition:
    limit = f"limit {policy.max_age_days:g}"
    if _never_trained(snapshot):
        return Condition("weekly_schedule", False, "no training yet to age", {"age_days": None})
    if snapshot.trained_at is None or snapshot.trained_at > snapshot.as_of:
        return Condition(
            "weekly_schedule",
            snapshot.has_enough_trades(policy),
            "training time unknown",
            {"age_days": None},
        )
    age_days = (snapshot.as_of - snapshot.trained_at).total_seconds() / 86_400
    fired = snapshot.has_enough_trades(policy) and age_days > policy.max_age_days
    return Condition(
        "weekly_schedule",
        fired,
        f"last training {age_days:.1f} days ago ({limit})",
        {"age_days": round(age_days, 4), "threshold": policy.max_age_days},
    )


def _performance_degradation(rules: BothRules) -> Condition:
    """The rule in force decides; the other one stands beside it."""
    name = "performance_degradation"
    return Condition(name, rules.in_force.fired, rules.line, rules.figures)
