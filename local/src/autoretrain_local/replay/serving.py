"""Plays the bots: what each trade was told when it was decided, by the model that was live then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from autoretrain_local.replay.log import Log
from autoretrain_trainer.fit import Model
from autoretrain_trainer.rows import Bools, Floats, Ints, to_microseconds

NO_MODEL = -1
BASE_RATE_TRADES = 1_000
_BLOCK_TRADES = 128


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """Each trade's win probability and the version that gave it: a position in `versions`, or
    `NO_MODEL`."""

    probability: Floats
    version: Ints
    versions: Sequence[str]

    def by(self, version: str | None, rows: Ints) -> Bools:
        """Which of the rows that version has spoken of."""
        # Asked for is the newest, at every check: it is found at once from the end.
        for place in reversed(range(len(self.versions))):
            if self.versions[place] == version:
                return np.asarray(self.version[rows] == place)
        return np.zeros(len(rows), dtype=np.bool_)


class Serving:
    """Asks the live model in blocks, ahead of time: what it says of a trade hangs on that trade
    alone, and whoever goes live next says it anew of what is decided from then on."""

    def __init__(self, log: Log, max_age_days: float | None) -> None:
        self._log = log
        self._max_age = None if max_age_days is None else timedelta(days=max_age_days)
        self._versions: list[str] = []
        self._live: Model | None = None
        self._asked, self._expired_from = 0, len(log)
        self.said = Said(
            np.full(len(log), np.nan), np.full(len(log), NO_MODEL, dtype=np.int64), self._versions
        )

    def go_live(self, version: str, model: Model, at: datetime) -> None:
        """Serve what is decided later than `at`, until another does or the model is too old."""
        self.ask_until(to_microseconds(at))
        self._asked = self._log.decided_by(to_microseconds(at))
        self._live = model
        self._versions.append(version)
        if self._max_age is not None:
            expires = to_microseconds(at + self._max_age)
            self._expired_from = int(np.searchsorted(self._log.decided_at, expires, side="left"))

    def ask_until(self, moment: int) -> None:
        """Make sure that every trade decided by then has been spoken of."""
        decided = min(self._log.decided_by(moment), self._expired_from)
        while self._live is not None and self._asked < decided:
            end = min(self._asked + _BLOCK_TRADES, self._expired_from)
            block = slice(self._asked, end)
            self.said.probability[block] = self._live.predict(self._log.as_trades(self._asked, end))
            self.said.version[block] = len(self._versions) - 1
            self._asked = end

    def finish(self) -> Said:
        """Ask to the log's end; where no model was live bots had the base rate of that moment."""
        if len(self._log):
            self.ask_until(int(self._log.decided_at[-1]))
        for row in np.flatnonzero(self.said.version == NO_MODEL):
            self.said.probability[row] = base_rate(self._log, int(row))
        return self.said


def base_rate(log: Log, row: int) -> float:
    """The win rate of the newest trades that had closed before this one was decided, as if one
    more win and one more loss had been seen; 0.5 before the first."""
    moment = log.decided_at[row]
    closed = np.flatnonzero(log.usable[:row] & (log.closed_at[:row] < moment))[-BASE_RATE_TRADES:]
    return (int((log.pnl_pct[closed] > 0).sum()) + 1) / (len(closed) + 2)
