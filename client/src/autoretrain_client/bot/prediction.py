"""What a bot hears of its trade and of its model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Says = Literal["model", "base_rate", "none"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The chance that a trade wins, and who says so.

    `source` is `model`, or `base_rate`, the win rate of the newest trades, where there is no model
    or it has `expired`, or `none` where not even that is known. Store `model_version` and
    `win_probability` with the trade: they are what the model is later measured by. `stale`:
    nobody has confirmed for some time, or ever since the start, that this is the active model.
    `missing` is how many of the model's features the trade came without, 0 where no model was
    asked. `below_base_rate`: the active model was judged no better than the base rate.
    """

    win_probability: float | None
    model_version: str | None
    source: Says
    stale: bool
    expired: bool
    below_base_rate: bool
    missing: int


@dataclass(frozen=True, slots=True)
class Status:
    """How an `ActiveModel` stands. `error` is what the last poll failed with, None if it did not.

    `loaded_at` is when this version was loaded, `last_success_at` when the API was last heard.
    """

    version: str | None
    loaded_at: datetime | None
    last_success_at: datetime | None
    stale: bool
    expired: bool
    below_base_rate: bool
    error: str | None
