"""What is told to the outside, as data for programs; see notification_words.py for people's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from autoretrain.domain.json import Json


class Topic(StrEnum):
    """What a notification is about, in the words of the events."""

    MODEL_ACTIVATED = "ModelActivated"
    MODEL_KEPT = "ModelKept"
    MODEL_DEGRADED = "ModelDegraded"
    APPROVAL_PENDING = "ApprovalPending"
    TRAINING_FAILED = "TrainingFailed"
    STRATEGY_PAUSED = "StrategyPaused"


@dataclass(frozen=True, slots=True)
class Notification:
    """`event_id` is the same at every try to send it. `strategy` is its name, None for one that
    has been deleted; `told` names the channels that have taken the notification."""

    id: int
    event_id: UUID
    topic: str
    strategy_id: UUID
    strategy: str | None
    payload: Json
    at: datetime
    told: frozenset[str] = frozenset()

    @property
    def detail(self) -> Json:
        """All that is told, under the names that docs/notifications.md gives."""
        return {
            "event_id": str(self.event_id),
            "strategy_id": str(self.strategy_id),
            "strategy": self.strategy,
            "at": self.at.astimezone(UTC).isoformat(),
            **self.payload,
        }
