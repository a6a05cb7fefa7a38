"""A value for every parameter that any named statement has, but for whose it is about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.world import NOW

ANY: dict[str, Any] = {
    "as_of": NOW,
    "now": NOW,
    "data_cutoff": NOW,
    "judged_from": NOW,
    "judged_until": NOW,
    "since": NOW - timedelta(days=99),
    "until": NOW,
    "trades_read_at": NOW,
    "lease": timedelta(minutes=2),
    "max_runtime": timedelta(hours=1),
    "lifetime": timedelta(days=1),
    "rest": timedelta(hours=1),
    "version": "v1",
    "activated_by": None,
    "accuracy": 0.5,
    "roc_auc": 0.5,
    "improvement": 0.0,
    "sort": "name",
    "search": "",
    "rival": "base_rate",
    "topic": "ModelActivated",
    "payload": "{}",
    "verdict": "{}",
    "performance": "{}",
    "rows_dropped": "{}",
    "feature_weights": "{}",
    "conditions": "{}",
    "activation_mode": "approve",
    "degradation_rule": "ratio",
    "degradation_ratio": 0.5,
    "feature_drift_psi": 0.25,
    "feature_reference": "{}",
    "scopes": ["read"],
    "allowed_features": ["rsi"],
    "words": ["side"],
    "key": "once",
    "attempt": 1,
    "offset": 0,
}
# What is not there yet, for statements that add something.
NEW: dict[str, dict[str, Any]] = {
    "insert_artifact": {"version": "v2", "run_id": uuid4()},
    "insert_model": {"version": "v2"},
    "insert_token": {"token_id": "abcd2345"},
}
TRUE = {"manual", "force", "activated", "awaiting_approval", "below_base_rate", "refit_disagrees"}
HASHES = {"sha256", "manifest_sha256", "judged_sha256", "memories_sha256", "secret_sha256"}
NUMBERS = {"fence", "limit", "newest", "weeks", "losses", "round", "rounds", "seconds"}
MORE_NUMBERS = {
    "ml_min_trades_for_training",
    "roc_auc",
    "improvement",
    "log_loss",
    "training_samples",
    "rows_used",
    "tenths",
}


def any_value(name: str) -> Any:
    if name in ANY:
        return ANY[name]
    if name in TRUE | {"ml_training_enabled"} or name.endswith("_given"):
        return True
    if name in HASHES | {"request_hash", "data_hash", "fingerprint"}:
        return "0" * 64
    if name in NUMBERS | MORE_NUMBERS or name.endswith(("_trades", "_threshold", "_days")):
        return 60
    return 60 if name == "degradation_window" else None if name in ("cursor", "slot") else "x"
