"""What the API gives: its JSON, field by field. Times are UTC, absent figures null."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from autoretrain.domain.runs import Status
from autoretrain.errors import BadConfig
from autoretrain_api.openly import openly

Item = TypeVar("Item")


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, row: object) -> Self:
        return cls.model_validate(row)


class Page(Answer, Generic[Item]):
    """`next` is the cursor of the page that follows, null on the last."""

    items: list[Item]
    next: str | None


class Failure(Answer):
    """`code` is for programs, `message` for people."""

    code: str
    message: str


class Settings(Answer):
    """How a strategy is trained; times in days."""

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
    feature_weights: dict[str, float]
    allowed_features: list[str]


class Condition(Answer):
    """One reason to retrain, whether it fired, and on which figures."""

    name: str
    fired: bool
    line: str
    figures: dict[str, Any]


class DecisionSummary(Answer):
    """What a check concluded."""

    decided_at: datetime
    should_retrain: bool
    outcome: str
    reason: str


class Decision(DecisionSummary):
    """`id` is null for the newest check, which the next one replaces."""

    id: int | None
    slot: datetime | None
    conditions: list[Condition]


class RunSummary(Answer):
    id: UUID
    status: Status
    phase: str | None
    round: int | None
    rounds: int | None


class Run(RunSummary):
    """One training."""

    strategy_id: UUID
    reason: str
    manual: bool
    force: bool
    attempt: int
    queued_at: datetime
    running_at: datetime | None
    finished_at: datetime | None
    training_seconds: float | None
    min_trades: int | None
    feature_weights: dict[str, float] | None
    rows_used: int | None
    rows_dropped: dict[str, Any] | None
    outcome: str | None
    line: str | None
    model_version: str | None
    activated: bool | None
    error: Failure | None

    @field_validator("error")
    @classmethod
    def _openly(cls, error: Failure | None) -> Failure | None:
        return error and Failure(code=error.code, message=openly(error.code, error.message))


class Model(Answer):
    """A model with the figures of the rows it was judged on."""

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


class ModelReport(Model):
    """A model with its whole verdict and the hashes of its files. The manifest holds that of the
    report, where there is one. The URLs are good until `url_expires_at`. `report` is the report
    itself where it was asked for and there is one."""

    verdict: dict[str, Any]
    sha256: str
    manifest_sha256: str
    judged_sha256: str | None
    refit_disagrees: bool
    manifest_url: str
    report_url: str
    url_expires_at: datetime
    report: dict[str, Any] | None


class Pin(Answer):
    """The version that stays active until unpinned, since when and by whom."""

    version: str
    since: datetime
    by: UUID | None


class Strategy(Answer):
    """`waiting` is the challenger that awaits approval."""

    id: UUID
    name: str
    is_active: bool
    ml_model_version: str | None
    ml_model_trained_at: datetime | None
    ml_model_performance: dict[str, Any] | None
    settings: Settings
    champion: Model | None
    waiting: Model | None
    pin: Pin | None
    paused_reason: str | None
    failures: int
    next_eligible_at: datetime | None
    last_decision: Decision | None
    live_run: Run | None

    @field_validator("settings", mode="wrap")
    @classmethod
    def _usable(cls, stored: Any, read: ValidatorFunctionWrapHandler) -> Any:
        """The database holds whatever a person wrote there."""
        try:
            return read(stored)
        except ValidationError as exc:
            name = ".".join(str(part)[:100] for part in exc.errors()[0]["loc"])
            raise BadConfig(
                f"the strategy's {name} in the database cannot be used: set it anew"
            ) from None


class StrategySummary(Answer):
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


class Activation(Answer):
    """A version went live; `activated_by` is null where the gate decided."""

    id: int
    version: str | None
    previous_version: str | None
    activated_at: datetime
    run_id: UUID | None
    activated_by: UUID | None
    why: str


class ActiveModel(Answer):
    """What a bot is to use now; without a version, or where it has expired, the base rate. The URLs
    are good until `url_expires_at`."""

    strategy_id: UUID
    version: str | None
    sha256: str | None
    manifest_sha256: str | None
    model_url: str | None
    manifest_url: str | None
    url_expires_at: datetime | None
    created_at: datetime | None
    expired: bool
    expires_at: datetime | None
    below_base_rate: bool | None
    pinned: bool
    base_rate: float | None
    base_rate_trades: int


class Week(Answer):
    """The executed trades decided in the week that begins on that Monday, UTC; the bounds are a
    95 % interval, `pnl_pct` the sum in percent."""

    week: date
    trades: int
    wins: int
    win_rate: float
    win_rate_low: float
    win_rate_high: float
    pnl_pct: float
    enough: bool


class Performance(Answer):
    weeks: list[Week]


class RetrainedModel(Answer):
    """`improvement` is in accuracy on the judged rows; `activated` says whether it went live."""

    version: str
    accuracy: float | None
    improvement: float | None
    activated: bool | None
    outcome: str | None
    line: str | None
    log_loss_improvement: float | None
    judged_rows: int | None
    below_base_rate: bool


class Retrain(Answer):
    """`retrained` says that a model was fitted and judged, `not_started` why no new run began."""

    should_retrain: bool
    reason: str
    retrained: bool
    model: RetrainedModel | None
    training_run: Run | None
    not_started: Failure | None


class Token(Answer):
    id: str
    name: str
    scopes: list[Literal["read", "retrain", "manage"]]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewToken(Token):
    """`token` is shown this once."""

    token: str


class HealthReport(Answer):
    """What is wrong, by name, never by value."""

    ok: bool
    version: str
    problems: list[Failure]


class StrategyPage(Page[StrategySummary]):
    pass


class ModelPage(Page[Model]):
    pass


class DecisionPage(Page[Decision]):
    pass


class ActivationPage(Page[Activation]):
    pass


class RunPage(Page[Run]):
    pass


class TokenPage(Page[Token]):
    pass
