"""When to retrain: four conditions, all evaluated at every check, each with its figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from autoretrain.domain.json import Json
from autoretrain.domain.models import Policy, RecentTrades, Snapshot

UNFAIR_DIFFERENCE = 0.10
ROUNDING = 1e-9
"""Two figures that differ by less are equal: 0.9 × 0.8 is not exactly 0.72 in floats."""

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
    conditions = (
        _initial_training(snapshot, policy),
        _new_trades(snapshot, policy),
        _performance_degradation(snapshot, policy),
        _weekly_schedule(snapshot, policy),
    )
    fired = [condition for condition in conditions if condition.fired]
    if snapshot.total_trades < policy.min_trades:
        reason = f"too few trades: {snapshot.total_trades} of {policy.min_trades}"
        return _decision(snapshot, False, "too_few_trades", reason, conditions)
    if not fired:
        _, new, degraded, weekly = (condition.line for condition in conditions)
        reason = f"{new}; performance: {degraded}; {weekly}"
        return _decision(snapshot, False, "nothing_due", reason, conditions)
    return _decision(snapshot, True, fired[0].name, _reason(fired[0], policy), conditions)


def _decision(
    snapshot: Snapshot, yes: bool, outcome: str, reason: str, conditions: tuple[Condition, ...]
) -> Decision:
    return Decision(
        snapshot.strategy_id, snapshot.name, snapshot.as_of, yes, outcome, reason, conditions
    )


def _reason(condition: Condition, policy: Policy) -> str:
    if condition.name == "new_trades":
        return f"{policy.new_trades}+ new trades since last training"
    title = condition.name.replace("_", " ")
    return f"{title}: {condition.line}"


def _enough(snapshot: Snapshot, policy: Policy) -> bool:
    return snapshot.total_trades >= policy.min_trades


def _never_trained(snapshot: Snapshot) -> bool:
    return snapshot.trained_at is None and snapshot.model_version is None


def _initial_training(snapshot: Snapshot, policy: Policy) -> Condition:
    first, enough = _never_trained(snapshot), _enough(snapshot, policy)
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
        and _enough(snapshot, policy)
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
            _enough(snapshot, policy),
            "training time unknown",
            {"age_days": None},
        )
    age_days = (snapshot.as_of - snapshot.trained_at).total_seconds() / 86_400
    fired = _enough(snapshot, policy) and age_days > policy.max_age_days
    return Condition(
        "weekly_schedule",
        fired,
        f"last training {age_days:.1f} days ago ({limit})",
        {"age_days": round(age_days, 4), "threshold": policy.max_age_days},
    )


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The two sides of the degradation ratio, and what they are."""

    quantity: str
    observed: float
    expected: float
    trades: int
    note: str = ""


def _performance_degradation(snapshot: Snapshot, policy: Policy) -> Condition:
    """The documented ratio rule: observed below `degradation_ratio` of expected."""
    name = "performance_degradation"
    if snapshot.model_version is None:
        return Condition(name, False, "no active model to degrade", {"trades": 0})
    recent, least = snapshot.recent, policy.degradation_min_trades
    if recent.count < least:
        line = f"not enough evidence ({recent.count} of {least})"
        return Condition(name, False, line, {"trades": recent.count, "min_trades": least})
    compared = _like_with_like(recent, least) or _win_rate(snapshot)
    if compared is None:
        line = "the active model's performance has no accuracy to compare with"
        return Condition(name, False, line, {"trades": recent.count})
    floor = policy.degradation_ratio * compared.expected
    below = floor - compared.observed > ROUNDING
    fired = _enough(snapshot, policy) and below
    verdict = "is below" if below else "is not below"
    line = (
        f"{compared.quantity} {compared.observed:.1%} over the last {compared.trades} trades"
        f" {verdict} {floor:.1%} ({policy.degradation_ratio:.0%} of expected"
        f" {compared.expected:.1%}){compared.note}"
    )
    figures: Json = {
        "quantity": compared.quantity,
        "observed": compared.observed,
        "expected": compared.expected,
        "ratio": policy.degradation_ratio,
        "trades": compared.trades,
        "comparable": not compared.note,
    }
    return Condition(name, fired, line, figures)


def _like_with_like(recent: RecentTrades, least: int) -> _Comparison | None:
    """Accuracy against the model's own confidence, on the same trades, where bots report both."""
    confidence = recent.mean_confidence
    if recent.predicted < least or confidence is None or not math.isfinite(confidence):
        return None
    observed = recent.correct / recent.predicted
    return _Comparison("accuracy", observed, confidence, recent.predicted)


def _win_rate(snapshot: Snapshot) -> _Comparison | None:
    """Win rate against accuracy: what the documentation promised, fair only where they agree."""
    expected = snapshot.expected_accuracy
    if expected is None:
        return None
    observed = snapshot.recent.wins / snapshot.recent.count
    base = snapshot.expected_win_rate
    unfair = base is not None and abs(expected - base) - UNFAIR_DIFFERENCE > ROUNDING
    note = ""
    if unfair:
        note = (
            f"; not a fair comparison: accuracy {expected:.1%} and the model's win rate {base:.1%}"
            " differ; store model_version and win_probability with each trade to compare"
            " accuracy with accuracy"
        )
    return _Comparison("win rate", observed, expected, snapshot.recent.count, note)
