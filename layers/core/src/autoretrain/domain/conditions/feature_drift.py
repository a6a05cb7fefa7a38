"""The features of the newest trades have moved away from those that the active model was fitted on.
Switched off unless the strategy has a threshold: features move without a model being any worse."""

from __future__ import annotations

from collections.abc import Sequence

from autoretrain.domain.conditions.condition import Condition, Judged
from autoretrain.domain.drift import LEAST_TRADES, Drift, drifts
from autoretrain.domain.json import Json
from autoretrain.domain.models import Policy, Snapshot


def feature_drift(snapshot: Snapshot, policy: Policy) -> Judged | None:
    """Looks at the trades since the last training only, so that a champion that stays is not called
    drifted by the same trades twice."""
    threshold = policy.feature_drift_psi
    if threshold is None:
        return None
    trades = sum(snapshot.spreads[0].newest) if snapshot.spreads else 0
    figures: Json = {"threshold": threshold, "trades": trades, "min_trades": LEAST_TRADES}
    if lacks := _lacks(snapshot, trades):
        return _judged(False, lacks, figures)
    found = drifts(snapshot.spreads, threshold)
    fired = found[0].drifted and snapshot.has_enough_trades(policy)
    features: Json = {
        one.feature: {"psi": round(one.psi, 4), "limit": round(one.limit, 4)} for one in found
    }
    return _judged(fired, _told(found, trades), figures | {"features": features})


def _lacks(snapshot: Snapshot, trades: int) -> str | None:
    if snapshot.model_version is None:
        return "no active model to drift from"
    if not snapshot.spreads:
        return "the active model has no features to compare with: it is from before, or has none"
    if trades < LEAST_TRADES:
        return f"not enough evidence ({trades} of {LEAST_TRADES} trades since the last training)"
    return None


def _told(found: Sequence[Drift], trades: int) -> str:
    drifted, first = sum(one.drifted for one in found), found[0]
    return (
        f"{drifted} of {len(found)} features drifted over the newest {trades} trades, farthest"
        f" {first.feature}: PSI {first.psi:.2f} (limit {first.limit:.2f})"
    )


def _judged(fired: bool, line: str, figures: Json) -> Judged:
    told = f"feature drift: {line}"
    return Judged(Condition("feature_drift", fired, line, figures), because=told, not_due=told)
