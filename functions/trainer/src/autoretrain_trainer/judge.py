"""Decides which trades a model is judged on, and compares two sets of probabilities on them.

The rule: every fitted trade had closed strictly before the first judged one was decided, and no
judged trade was fitted on, or lived through, by either model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from autoretrain.domain.gate import BASE_RATE, MIN_JUDGED_ROWS, Comparison, Score
from autoretrain.errors import InvalidMetric
from autoretrain_trainer import metrics
from autoretrain_trainer.rows import Bools, Floats, Ints, Trades, to_datetime

FOLDS = 5
FIRST_FOLD_SHARE = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Which trades are fitted, judged, and kept out of both because they overlap, as masks."""

    fitted: Bools
    judged: Bools
    purged: Bools


def unseen(decided_at: Ints, closed_at: Ints, data_cutoff: int) -> Bools:
    """Trades decided when the champion had learnt all it knows, which it cannot have seen close.

    The second half matters to a trade that was decided and closed in the cutoff's very instant.
    """
    return (decided_at >= data_cutoff) & (closed_at > data_cutoff)


def split_against_champion(decided_at: Ints, closed_at: Ints, data_cutoff: int) -> Split | None:
    """Judge on the newest half of the unseen trades, at least 20; None where they are fewer.

    `decided_at` ascends. Trades decided together with the first judged one are judged too.
    """
    fresh = unseen(decided_at, closed_at, data_cutoff)
    moments = decided_at[fresh]
    if len(moments) < MIN_JUDGED_ROWS:
        return None
    judged_rows = max(MIN_JUDGED_ROWS, math.ceil(len(moments) / 2))
    first = moments[-judged_rows]
    judged = fresh & (decided_at >= first)
    fitted = closed_at < first
    return Split(fitted, judged, ~(fitted | judged))


def expanding_folds(decided_at: Ints, closed_at: Ints) -> list[Split]:
    """Five consecutive blocks from 40 % of the trades on, each judged by what had closed before.

    `decided_at` ascends.
    """
    rows = len(decided_at)
    starts = np.linspace(FIRST_FOLD_SHARE, 1, FOLDS + 1) * rows
    edges = [round(start) for start in starts]
    return [
        _fold(decided_at, closed_at, start, end) for start, end in pairwise(edges) if start < end
    ]


def _fold(decided_at: Ints, closed_at: Ints, start: int, end: int) -> Split:
    row = np.arange(len(decided_at))
    fitted = closed_at < decided_at[start]
    return Split(fitted, (row >= start) & (row < end), (row < start) & ~fitted)


def base_rate(fitted: Trades) -> float:
    """The win rate of the fitted trades, as if one more win and one more loss had been seen."""
    return (fitted.wins + 1) / (len(fitted) + 2)


def compare(
    judged: Trades, challenger: Floats, champion: Floats, base: Floats, rival: str
) -> Comparison:
    """Every figure of the verdict. Raises InvalidMetric when one is not a finite number."""
    comparison = Comparison(
        rival=rival,
        rows=len(judged),
        challenger=_score(judged, challenger, base),
        champion=_score(judged, champion, base),
        base_rate=_score(judged, base, base),
        z=metrics.paired_z(
            metrics.losses(judged.win, champion), metrics.losses(judged.win, challenger)
        ),
        judged_from=to_datetime(judged.decided_at[0]),
        judged_until=to_datetime(judged.decided_at[-1]),
        # Every judged trade counts, taken or not: as among the live ones.
        calls=metrics.calls(judged.win, challenger),
    )
    if not comparison.is_finite():
        raise InvalidMetric(f"A metric is not a finite number: {comparison}")
    return comparison


def compare_with_base_rate(judged: Trades, challenger: Floats, base: Floats) -> Comparison:
    """The first model's comparison: its rival is having no model."""
    return compare(judged, challenger, base, base, BASE_RATE)


def _score(judged: Trades, probability: Floats, base: Floats) -> Score:
    taken = (probability > base) & judged.executed
    return Score(
        log_loss=metrics.log_loss(judged.win, probability),
        accuracy=metrics.accuracy(judged.win, probability),
        roc_auc=metrics.roc_auc(judged.win, probability),
        brier=metrics.brier(judged.win, probability),
        pnl_pct=float(judged.pnl_pct[taken].mean()) if taken.any() else None,
        taken=int(taken.sum()),
    )
