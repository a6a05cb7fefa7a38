"""The last training is older than the strategy lets it be."""

from __future__ import annotations

from autoretrain.domain.conditions.condition import Condition, Judged
from autoretrain.domain.json import Json
from autoretrain.domain.models import Policy, Snapshot


def weekly_schedule(snapshot: Snapshot, policy: Policy) -> Judged:
    enough = snapshot.has_enough_trades(policy)
    if snapshot.never_trained:
        return _judged(False, "no training yet to age", {"age_days": None})
    if snapshot.trained_at is None or snapshot.trained_at > snapshot.as_of:
        return _judged(enough, "training time unknown", {"age_days": None})
    age_days = (snapshot.as_of - snapshot.trained_at).total_seconds() / 86_400
    return _judged(
        enough and age_days > policy.max_age_days,
        f"last training {age_days:.1f} days ago (limit {policy.max_age_days:g})",
        {"age_days": round(age_days, 4), "threshold": policy.max_age_days},
    )


def _judged(fired: bool, line: str, figures: Json) -> Judged:
    condition = Condition("weekly_schedule", fired, line, figures)
    return Judged(condition, because=f"weekly schedule: {line}", not_due=line)
