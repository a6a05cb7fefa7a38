"""So many trades were decided and closed since the last training."""

from __future__ import annotations

from autoretrain.domain.conditions.condition import Condition, Judged
from autoretrain.domain.models import Policy, Snapshot

COUNTED_NEW_TRADES = 1_000
"""Where the check stops counting: no threshold lies above."""


def new_trades(snapshot: Snapshot, policy: Policy) -> Judged:
    fired = (
        not snapshot.never_trained
        and snapshot.has_enough_trades(policy)
        and snapshot.new_trades >= policy.new_trades
    )
    count = f"{snapshot.new_trades}{'+' * (snapshot.new_trades >= COUNTED_NEW_TRADES)}"
    line = f"{count} of {policy.new_trades} new trades since last training"
    if snapshot.never_trained:
        line = "no training yet to count new trades from"
    figures = {"new_trades": snapshot.new_trades, "threshold": policy.new_trades}
    because = f"{policy.new_trades}+ new trades since last training"
    return Judged(Condition("new_trades", fired, line, dict(figures)), because, not_due=line)
