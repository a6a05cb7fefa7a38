"""Whether the active model has got worse: a sequential test that may be looked at every hour.

The evidence is a Bayes factor: how much better a drop explains the trades since the activation
than one unchanged accuracy does, which the judged and the live trades share. That accuracy is
integrated out, so that an expectation from 20 judged trades counts as the vague thing that it is.
While nothing changes the evidence is a martingale whose mean, over the accuracies of the prior, is
at most 1 within 500 trades: by Ville's inequality it reaches 1 / 0.05 with a chance of at most 5 %
(Robbins, Ann. Math. Statist. 41 (1970) 1397). `bench/degradation.py` measures single accuracies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

FALSE_ALARMS, WITHIN_TRADES = 0.05, 500
ALARM = 1 / FALSE_ALARMS
GUARANTEE = f"at most {FALSE_ALARMS:.0%} false alarms within {WITHIN_TRADES} trades"

TENTHS = 10
BLOCK_TRADES = 50
"""A drop may have begun with any block of so many trades."""
NEWEST_TRADES = 2_000
"""Where the check stops reading: older trades, and more judged ones, tell no more."""
DROPS = (0.85, 0.70, 0.50)
"""The accuracy after a drop as a share of that before it; what lies between is found too."""
PRIOR_CALLS = 2
"""Right and wrong ones that every tenth starts with, Beta(2, 2): an accuracy near one half, so that
the luck of a tenth with two or three judged trades is not taken for skill."""
FROM_THE_START = 0.5
LATER = (1 - FROM_THE_START) / (WITHIN_TRADES / BLOCK_TRADES - 1)
"""Prior weights of where a drop begins: together 1 within the guaranteed trades."""

_NO_MORE = 1e9
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Calls:
    """Trades whose win probability lies in one tenth of 0 to 1 (0 to 9), and how many of them were
    called right at p = 0.5."""

    tenth: int
    trades: int
    correct: int


@dataclass(frozen=True, slots=True)
class Record:
    """What a model has called: the `judged` trades of its own verdict, and the `live` ones decided
    by it since its activation, in order, in blocks of 50."""

    judged: tuple[Calls, ...] = ()
    live: tuple[tuple[Calls, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What the test makes of a record. Only live trades are compared whose tenth was judged too:
    `trades` of them, `observed` of which were called right; `expected` is the judged accuracy of
    the same tenths, from `judged` trades. Both are None without trades."""

    trades: int
    judged: int
    observed: float | None
    expected: float | None
    evidence: float

    def degraded_over(self, least: int) -> bool:
        """Fewer than `least` compared trades are not enough evidence of anything."""
        return self.trades >= least and self.evidence >= ALARM


def examine(record: Record) -> Finding:
    """Like with like, tenth by tenth: also where a bot takes only some of the trades."""
    judged = {calls.tenth: calls for calls in record.judged if calls.trades > 0}
    blocks = [[calls for calls in block if calls.tenth in judged] for block in record.live]
    compared = [calls for block in blocks for calls in block]
    trades = sum(calls.trades for calls in compared)
    expected = sum(
        calls.trades * judged[calls.tenth].correct / judged[calls.tenth].trades
        for calls in compared
    )
    return Finding(
        trades=trades,
        judged=sum(calls.trades for calls in judged.values()),
        observed=sum(calls.correct for calls in compared) / trades if trades else None,
        expected=expected / trades if trades else None,
        evidence=_evidence(list(judged.values()), blocks) if trades else 1.0,
    )


def _evidence(judged: Sequence[Calls], blocks: Sequence[Sequence[Calls]]) -> float:
    """The weighted mean, over where a drop begins and how deep it is, of the Bayes factors."""
    share = min(1.0, NEWEST_TRADES / sum(calls.trades for calls in judged))
    live = {calls.tenth for block in blocks for calls in block}
    tenths = [_Tenth.of(calls, blocks, share) for calls in judged if calls.tenth in live]
    weighed = 0.0
    for start in range(len(blocks)):
        weight = (LATER if start else FROM_THE_START) / len(DROPS)
        for drop in DROPS:
            factor = sum(tenth.log_factor(start, drop) for tenth in tenths)
            weighed += weight * math.exp(min(factor, math.log(_NO_MORE)))
    return min(weighed, _NO_MORE)


@dataclass(frozen=True, slots=True)
class _Tenth:
    """One tenth's counts: right and wrong among the judged with the prior's, and in the blocks
    before each start."""

    right: float
    wrong: float
    right_before: tuple[int, ...]
    wrong_before: tuple[int, ...]

    @classmethod
    def of(cls, judged: Calls, blocks: Sequence[Sequence[Calls]], share: float) -> _Tenth:
        own = [[calls for calls in block if calls.tenth == judged.tenth] for block in blocks]
        right = [sum(calls.correct for calls in block) for block in own]
        wrong = [sum(calls.trades - calls.correct for calls in block) for block in own]
        return cls(
            right=judged.correct * share + PRIOR_CALLS,
            wrong=(judged.trades - judged.correct) * share + PRIOR_CALLS,
            right_before=tuple(accumulate(right, initial=0)),
            wrong_before=tuple(accumulate(wrong, initial=0)),
        )

    def log_factor(self, start: int, drop: float) -> float:
        """How much better a drop from the block `start` on explains the calls than none does."""
        right = self.right + self.right_before[-1]
        wrong = self.wrong + self.wrong_before[start]
        after = self.wrong_before[-1] - self.wrong_before[start]
        right_after = self.right_before[-1] - self.right_before[start]
        return right_after * math.log(drop) + math.log(_spoiled(right, wrong, after, 1 - drop))


def _spoiled(right: float, wrong: float, after: int, lost: float) -> float:
    """How much better a share of right calls that is lost explains `after` wrong ones than no loss.

    A call is wrong with 1 - p + lost · p then. Multiplied out, the integral over p is a sum of Beta
    functions, here divided by the one without a loss. In term k the loss has spoiled k calls; it is
    the term before times a ratio that falls with k, so that nothing follows the first tiny one.
    """
    term = total = 1.0
    for spoiled in range(after):
        rest = after - spoiled
        term *= lost * rest * (right + spoiled) / ((spoiled + 1) * (wrong + rest - 1))
        total += term
        if term < total * _NOTHING:
            break
    return total
