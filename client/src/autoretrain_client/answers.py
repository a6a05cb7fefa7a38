"""What the API answers: frozen values under the names of its JSON.

Times are UTC, shares and probabilities are from 0 to 1, and a figure that is not known is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

Item = TypeVar("Item")

_ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list, newest first; `next` is the cursor of the next part, None at the end."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, as a word for programs and a line for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the deployment works, and what is wrong with it."""

    ok: bool
    version: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One training: queued → starting → running → succeeded, failed or cancelled."""

    id: UUID
    strategy_id: UUID
    status: str
    reason: str
    manual: bool
    force: bool
    attempt: int
    queued_at: datetime
    running_at: datetime | None
    finished_at: datetime | None
    phase: str | None
    round: int | None
    rounds: int | None
    training_seconds: float | None
    min_trades: int | None
    feature_weights: Mapping[str, float] | None
    rows_used: int | None
    rows_dropped: Mapping[str, int] | None
    outcome: str | None
    line: str | None
    model_version: str | None
    activated: bool | None
    error: Problem | None

    @property
    def ended(self) -> bool:
        return self.status in _ENDED


@dataclass(frozen=True, slots=True)
class RetrainedModel:
    """What a training has fitted, and whether it went live."""

    version: str
    accuracy: float | None
    improvement: float | None
    activated: bool | None
    outcome: str | None
    line: str | None
    log_loss_improvement: float | None
    judged_rows: int | None
    below_base_rate: bool


@dataclass(frozen=True, slots=True)
class Retrain:
    """What came of asking for a training; `retrained` means a model was fitted and judged."""

    should_retrain: bool
    reason: str
    retrained: bool
    model: RetrainedModel | None
    training_run: Run | None
    not_started: Problem | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One reason to retrain, with the figures it was judged by."""

    name: str
    fired: bool
    line: str
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a check concluded; `slot` is the tick it belongs to."""

    id: int | None
    decided_at: datetime
    slot: datetime | None
    should_retrain: bool
    outcome: str
    reason: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A stored model, with the figures of its verdict."""

    version: str
    created_at: datetime
    is_active: bool
    awaiting_approval: bool
    below_base_rate: bool
    outcome: str | None
    line: str | None
    accuracy: float | None
    roc_auc: float | None
    improvement: float | None
    log_loss: float | None
    log_loss_improvement: float | None
    judged_rows: int | None
    training_samples: int | None
    data_cutoff: datetime | None
    rival: str | None
    run_id: UUID | None


@dataclass(frozen=True, slots=True)
class ModelReport(Model):
    """A stored model with its whole verdict.

    The URLs need no token, hold one each, and work for minutes; `reports.fetch_report` reads what
    they lead to. `report` is None unless it was asked for.
    """

    verdict: Mapping[str, Any]
    sha256: str
    manifest_sha256: str
    judged_sha256: str | None
    refit_disagrees: bool
    manifest_url: str = field(repr=False)
    report_url: str = field(repr=False)
    url_expires_at: datetime
    report: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """A strategy's settings."""

    ml_training_enabled: bool
    ml_min_trades_for_training: int
    activation_mode: str
    degradation_rule: str
    new_trades_threshold: int
    degradation_ratio: float
    degradation_window: int
    degradation_min_trades: int
    max_age_days: float
    model_max_age_days: float | None
    feature_drift_psi: float | None
    feature_weights: Mapping[str, float]
    allowed_features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pin:
    """A version that a person has put live, and that stays until it is unpinned."""

    version: str
    since: datetime
    by: str | None


@dataclass(frozen=True, slots=True)
class Strategy:
    """One strategy; `waiting` is the challenger that a person is to approve."""

    id: UUID
    name: str
    is_active: bool
    ml_model_version: str | None
    ml_model_trained_at: datetime | None
    ml_model_performance: Mapping[str, Any] | None
    settings: Settings
    champion: Model | None
    waiting: Model | None
    pin: Pin | None
    paused_reason: str | None
    failures: int
    next_eligible_at: datetime | None
    last_decision: Decision | None
    live_run: Run | None


@dataclass(frozen=True, slots=True)
class DecisionSummary:
    """A decision without its figures."""

    decided_at: datetime
    should_retrain: bool
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How far a live run is."""

    id: UUID
    status: str
    phase: str | None
    round: int | None
    rounds: int | None


@dataclass(frozen=True, slots=True)
class StrategySummary:
    """One line of the list of strategies."""

    id: UUID
    name: str
    is_active: bool
    ml_training_enabled: bool
    ml_model_version: str | None
    ml_model_trained_at: datetime | None
    accuracy: float | None
    paused_reason: str | None
    failures: int
    next_eligible_at: datetime | None
    pinned_version: str | None
    waiting_version: str | None
    last_decision: DecisionSummary | None
    live_run: RunSummary | None


@dataclass(frozen=True, slots=True)
class Activation:
    """What went live when; `activated_by` is None where it was the gate."""

    id: int
    version: str | None
    previous_version: str | None
    activated_at: datetime
    run_id: UUID | None
    activated_by: UUID | None
    why: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which model a bot is to use now; `version` None is none: use `base_rate`.

    The URLs need no token, hold one each, and work for minutes. `base_rate` is the win rate of the
    newest trades, None where there are none.
    """

    strategy_id: UUID
    version: str | None
    sha256: str | None
    manifest_sha256: str | None
    model_url: str | None = field(repr=False)
    manifest_url: str | None = field(repr=False)
    url_expires_at: datetime | None
    created_at: datetime | None
    expired: bool
    expires_at: datetime | None
    below_base_rate: bool | None
    pinned: bool
    base_rate: float | None
    base_rate_trades: int
    etag: str | None


@dataclass(frozen=True, slots=True)
class Week:
    """The live trades of one week, from its Monday; `enough` of them to mean something.

    `win_rate_low` and `win_rate_high` are the 95 % Wilson interval; `pnl_pct` is the sum, percent.
    """

    week: date
    trades: int
    wins: int
    win_rate: float
    win_rate_low: float
    win_rate_high: float
    pnl_pct: float
    enough: bool


@dataclass(frozen=True, slots=True)
class Performance:
    """The live win rate, week by week."""

    weeks: tuple[Week, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """An API token; its secret is known only to whoever created it."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreatedToken(Token):
    """A new token; `token` is the secret itself, and is never shown again."""

    token: str = field(repr=False)
