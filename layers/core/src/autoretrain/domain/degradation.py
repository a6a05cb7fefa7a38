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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
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

GRID = 100
_PRIOR = PRIOR_CALLS - 0.5
"""The exponents of that prior, as a density of arcsin √p."""
_NO_MORE = 1e9


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
    unchanged: float
    """How well no drop at all explains the calls, as `_log_likelihood` says it."""

    @classmethod
    def of(cls, judged: Calls, blocks: Sequence[Sequence[Calls]], share: float) -> _Tenth:
        own = [[calls for calls in block if calls.tenth == judged.tenth] for block in blocks]
        right = [sum(calls.correct for calls in block) for block in own]
        wrong = [sum(calls.trades - calls.correct for calls in block) for block in own]
        judged_right = judged.correct * share + _PRIOR
        judged_wrong = (judged.trades - judged.correct) * share + _PRIOR
        return cls(
            right=judged_right,
            wrong=judged_wrong,
            right_before=tuple(accumulate(right, initial=0)),
            wrong_before=tuple(accumulate(wrong, initial=0)),
            unchanged=_log_likelihood(judged_right + sum(right), judged_wrong + sum(wrong), 0, 1.0),
        )

    def log_factor(self, start: int, drop: float) -> float:
        """How much better a drop from the block `start` on explains the calls than none does."""
        right = self.right + self.right_before[-1]
        wrong = self.wrong + self.wrong_before[start]
        after = self.wrong_before[-1] - self.wrong_before[start]
        right_after = self.right_before[-1] - self.right_before[start]
        dropped = _log_likelihood(right, wrong, after, drop) + right_after * math.log(drop)
        return dropped - self.unchanged


def _log_likelihood(right: float, wrong: float, after: int, drop: float) -> float:
    """log ∫ p^right · (1 - p)^wrong · (1 - drop·p)^after d arcsin √p, but for a constant: the grid
    is even where every p is told from its neighbours equally well."""
    terms = [
        right * log_p + wrong * log_not_p + after * log_not_dropped
        for log_p, log_not_p, log_not_dropped in _grid(drop)
    ]
    highest = max(terms)
    # Most of the time of a check is spent here: map asks no interpreter for each of the 100.
    return highest + math.log(sum(map(math.exp, [term - highest for term in terms])))


@cache
def _grid(drop: float) -> tuple[tuple[float, float, float], ...]:
    return tuple(_logarithms(drop))


def _logarithms(drop: float) -> Iterator[tuple[float, float, float]]:
    for point in range(GRID):
        p = math.sin((point + 0.5) / GRID * math.pi / 2) ** 2
        yield math.log(p), math.log1p(-p), math.log1p(-drop * p)
