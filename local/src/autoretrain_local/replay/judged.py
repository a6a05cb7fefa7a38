"""Remembers the trades that verdicts were reached on, to count those that are used again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from autoretrain.domain.gate import Comparison, Evidence
from autoretrain_local.replay.log import Log
from autoretrain_trainer.rows import to_microseconds


@dataclass(frozen=True, slots=True)
class _Window:
    """The trades decided in [`since`, `until`] that had closed when the verdict was reached."""

    rival: str
    since: int
    until: int
    reached_at: int


@dataclass
class Judged:
    """Every verdict so far. Moments are microseconds since 2000-01-01 UTC."""

    _windows: list[_Window] = field(default_factory=list)

    def add(self, evidence: Evidence, reached_at: int) -> None:
        """Remember a verdict, if it was reached on any trades."""
        if isinstance(evidence, Comparison):
            since, until = map(to_microseconds, (evidence.judged_from, evidence.judged_until))
            self._windows.append(_Window(evidence.rival, since, until, reached_at))

    def reused(self, log: Log, rival: str, since: int, until: int) -> int:
        """How many of the trades decided in [since, until] an earlier verdict against the same
        rival was reached on."""
        first = int(np.searchsorted(log.decided_at, since, side="left"))
        asked = slice(first, log.decided_by(until))
        decided_at, closed_at = log.decided_at[asked], log.closed_at[asked]
        used = np.zeros(len(decided_at), dtype=np.bool_)
        for window in self._windows:
            if window.rival == rival:
                judged = (decided_at >= window.since) & (decided_at <= window.until)
                used |= judged & (closed_at <= window.reached_at)
        return int(used.sum())
