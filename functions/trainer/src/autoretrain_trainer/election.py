"""Elects the memory that stands as the challenger, by how both did on trades before the judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoretrain.domain.models import Election, Memory
from autoretrain_trainer.metrics import paired_z
from autoretrain_trainer.rows import Bools, Floats, Ints

ELECTORATE = 500
MIN_ELECTORATE = 100
WINNING_Z = 2.0

RECORDED = 1_500
"""Half of what the champion has not seen is judged: these hold a whole electorate before that half
until the champion is 2,000 trades old, and the least that may elect until it is 2,800."""


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """How both memories did on trades that neither had seen; one array element per trade.

    Times are microseconds since 2000-01-01 UTC, `long` and `short` log-losses in nats. In the order
    of the decisions.
    """

    decided_at: Ints
    closed_at: Ints
    long: Floats
    short: Floats

    @classmethod
    def empty(cls) -> Record:
        moments, losses = np.empty(0, dtype=np.int64), np.empty(0)
        return cls(moments, moments, losses, losses)

    def __len__(self) -> int:
        return len(self.decided_at)

    def only(self, chosen: Bools | Ints | slice) -> Record:
        return Record(
            self.decided_at[chosen], self.closed_at[chosen], self.long[chosen], self.short[chosen]
        )

    def and_then(self, later: Record) -> Record:
        """Both, as many of the newest as an election may ask for."""
        both = Record(
            np.concatenate([self.decided_at, later.decided_at]),
            np.concatenate([self.closed_at, later.closed_at]),
            np.concatenate([self.long, later.long]),
            np.concatenate([self.short, later.short]),
        )
        order = np.lexsort([both.closed_at, both.decided_at])
        return both.only(order[-RECORDED:])


def elect(record: Record, first_judged: int | None, note: str | None = None) -> Election:
    """The short memory stands where it was better beyond doubt, otherwise the long one.

    Who votes had closed before `first_judged`, the decision of the first judged trade: what the
    judged trades came to plays no part. Nothing is judged where it is None.
    """
    # A trade that has closed before a moment was decided before it too.
    known = record if first_judged is None else record.only(record.closed_at < first_judged)
    voters = known.only(slice(-ELECTORATE, None))
    if len(voters) < MIN_ELECTORATE:
        return Election(Memory.LONG, len(voters), note=note)
    z = paired_z(voters.long, voters.short)
    return Election(Memory.SHORT if z > WINNING_Z else Memory.LONG, len(voters), z, note)
