"""What the bodies of requests may hold; strict: no value is turned into another."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from autoretrain_api.allowed import (
    Days,
    FeatureNames,
    FeatureWeights,
    FewTrades,
    MinTrades,
    NewTrades,
    Psi,
    Ratio,
    Reason,
    Scopes,
    TokenName,
    Uuid,
    WholeDays,
    Window,
)


class Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class CheckRequest(Body):
    """Check now; `force` trains whatever the conditions say."""

    force: bool = False


class TrainRequest(Body):
    """Train now, through the gate. Weights and minimum hold for this run only."""

    strategy_id: Uuid
    strategy_type: Literal["ai_strategy"] = "ai_strategy"
    feature_weights: FeatureWeights | None = None
    min_trades: MinTrades | None = None
    reason: Reason | None = None


class ManualTrainRequest(Body):
    """Train by hand: the model goes live unless it is significantly worse."""

    strategy_id: Uuid
    strategy_type: Literal["ai_strategy"] = "ai_strategy"
    min_trades: MinTrades | None = None
    feature_weights: FeatureWeights | None = None


class ActivateRequest(Body):
    """Put the version live; `force` where an approval is outdated."""

    reason: Reason | None = None
    force: bool = False


class TokenRequest(Body):
    """A token with some of the caller's own scopes, all of them by default; it never expires unless
    `expires_in_days` is given."""

    name: TokenName
    scopes: Scopes | None = None
    expires_in_days: WholeDays | None = None


def _unchanged() -> Any:
    # A factory keeps the default out of the schema: what is left out keeps the value it has.
    return Field(default_factory=lambda: None)


class SettingsRequest(Body):
    """The settings to change; the others stay as they are."""

    ml_training_enabled: bool = _unchanged()
    ml_min_trades_for_training: MinTrades = _unchanged()
    activation_mode: Literal["if_better", "if_not_worse", "approve", "always"] = _unchanged()
    degradation_rule: Literal["ratio", "calibrated"] = _unchanged()
    new_trades_threshold: NewTrades = _unchanged()
    degradation_ratio: Ratio = _unchanged()
    degradation_window: Window = _unchanged()
    degradation_min_trades: FewTrades = _unchanged()
    max_age_days: Days = _unchanged()
    model_max_age_days: Days | None = _unchanged()
    feature_drift_psi: Psi | None = _unchanged()
    feature_weights: FeatureWeights = _unchanged()
    allowed_features: FeatureNames = _unchanged()

    def changes(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)
