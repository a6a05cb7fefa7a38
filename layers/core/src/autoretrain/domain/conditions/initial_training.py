"""No training has ever finished, and there are enough trades for one."""

from __future__ import annotations

from autoretrain.domain.conditions.condition import Condition, Judged
from autoretrain.domain.json import Json
from autoretrain.domain.models import Policy, Snapshot


def initial_training(snapshot: Snapshot, policy: Policy) -> Judged:
    first, enough = snapshot.never_trained, snapshot.has_enough_trades(policy)
    count = f"{policy.min_trades}+" if enough else f"{snapshot.total_trades} of {policy.min_trades}"
    line = f"{count} trades, no model yet" if first else "trained before"
    figures: Json = {
        "trades": snapshot.total_trades,
        "threshold": policy.min_trades,
        "trained_before": not first,
    }
    condition = Condition("initial_training", first and enough, line, figures)
    return Judged(condition, because=f"initial training: {line}", not_due=None)
