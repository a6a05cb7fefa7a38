"""What services and books say to each other about the work at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from autoretrain.domain.models import RowsRead
from autoretrain.domain.runs import Status


@dataclass(frozen=True, slots=True)
class DueStrategy:
    """A strategy that this tick looks at; not `checkable` where only its queued run is."""

    strategy_id: UUID
    checkable: bool


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's key, and the sha256 (hex) of what was asked with it: the same key with the same
    hash is the same request again."""

    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A decision turned into work; `slot` is None for anything but the hourly tick.

    `user_id` is whoever asks. `manual` is a person's wish and outranks the gate, `force` trains
    whatever the conditions say; for either `trades_read_at` does not matter. `min_trades` and
    `feature_weights` hold for this run only.
    """

    strategy_id: UUID
    user_id: UUID
    reason: str
    trades_read_at: datetime | None = None
    slot: datetime | None = None
    manual: bool = False
    force: bool = False
    min_trades: int | None = None
    feature_weights: Mapping[str, float] | None = None
    idempotency: Idempotency | None = None

    @property
    def asked_for(self) -> bool:
        """Somebody wants this training, whatever the conditions say."""
        return self.manual or self.force


@dataclass(frozen=True, slots=True)
class Wish:
    """A training that somebody wants now, whatever the conditions say."""

    strategy_id: UUID
    reason: str
    manual: bool
    min_trades: int | None = None
    feature_weights: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    run_id: UUID


@dataclass(frozen=True, slots=True)
class NotClaimed:
    """Why there is no new run; `live_run` names the one that is already there."""

    code: str
    line: str
    live_run: UUID | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """A run that has been moved to starting and may now be given a task."""

    run_id: UUID
    strategy_id: UUID
    attempt: int
    fence: int


@dataclass(frozen=True, slots=True)
class NotLaunched:
    """Why there is no launch; `stopped` when none but a probe is tried at all, `moved_on` when the
    run is not queued any more."""

    why: str
    stopped: bool = False
    moved_on: bool = False


@dataclass(frozen=True, slots=True)
class PausedStrategy:
    """A strategy that nothing is done for until a person resumes it."""

    strategy_id: UUID
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a run."""

    run_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A live run as the platform's side sees it; `overdue` has been starting for too long to be
    looked for any further."""

    run_id: UUID
    strategy_id: UUID
    attempt: int
    fence: int
    status: Status
    task_arn: str | None
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is: the phase, and the boosting round where it has rounds."""

    phase: str
    round: int = 0
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class Published:
    """What the publish transaction did. `version` is None where no model was made,
    `previous_version` is the one that was active until then."""

    outcome: str
    line: str
    version: str | None = None
    activated: bool = False
    previous_version: str | None = None
    accuracy: float | None = None
    improvement: float | None = None
    log_loss_improvement: float | None = None
    below_base_rate: bool = False
    rows: RowsRead | None = None


@dataclass(frozen=True, slots=True)
class TickSummary:
    """What came of one tick's strategies."""

    slot: datetime
    checked: int
    retrained: int
    activated: int
    kept: int
    failed: int
    live: int

    @property
    def skipped(self) -> int:
        return self.checked - self.retrained - self.failed - self.live
