"""Draws what probabilities came to as points and bins, for people to look at."""

from __future__ import annotations

import numpy as np

from autoretrain.domain.degradation import TENTHS
from autoretrain.domain.json import Json, JsonValue
from autoretrain_trainer.metrics import tenths
from autoretrain_trainer.rows import Bools, Floats, Ints, Trades

MOST_POINTS = 100
MIN_ROWS = 10
"""Fewer in a bin, or of one class, are not enough evidence of anything."""

_DIGITS = 6


def roc(win: Bools, probability: Floats) -> JsonValue:
    """(false positive rate, true positive rate) at falling thresholds; None with one class."""
    wins, losses = _called(win, probability)
    if not (wins[-1] and losses[-1]):
        return None
    rates = np.column_stack([losses / losses[-1], wins / wins[-1]])
    return _points(np.vstack([[0.0, 0.0], rates]))


def precision_recall(win: Bools, probability: Floats) -> JsonValue:
    """(recall, precision) at falling thresholds; None with one class."""
    wins, losses = _called(win, probability)
    if not (wins[-1] and losses[-1]):
        return None
    return _points(np.column_stack([wins / wins[-1], wins / (wins + losses)]))


def reliability(win: Bools, probability: Floats) -> JsonValue:
    """Each tenth of win probability with how often its trades won."""
    told, won = _means(probability, probability), _means(probability, win.astype(np.float64))
    return [
        _bin(tenth, rows) | {"probability": told[tenth], "win_rate": won[tenth]}
        for tenth, rows in enumerate(_counts(probability))
    ]


def pnl(trades: Trades, probability: Floats) -> JsonValue:
    """Each tenth of win probability with what its executed trades earned, in percent."""
    told, earned = probability[trades.executed], trades.pnl_pct[trades.executed]
    mean = _means(told, earned)
    total = np.bincount(tenths(told), earned, minlength=TENTHS)
    return [
        _bin(tenth, rows)
        | {"mean_pnl_pct": mean[tenth], "sum_pnl_pct": round(float(total[tenth]), _DIGITS)}
        for tenth, rows in enumerate(_counts(told))
    ]


def _called(win: Bools, probability: Floats) -> tuple[Ints, Ints]:
    """Wins and losses at or above each distinct probability, the highest first."""
    falling = np.argsort(-probability, kind="stable")
    wins, losses = np.cumsum(win[falling]), np.cumsum(~win[falling])
    # What has the same probability is called together.
    last = np.append(np.diff(probability[falling]) != 0, True)
    return wins[last], losses[last]


def _points(points: Floats) -> JsonValue:
    """As many as can be seen, with the first and the last."""
    shown = np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).round().astype(np.int64)
    return [[round(float(x), _DIGITS), round(float(y), _DIGITS)] for x, y in points[shown]]


def _bin(tenth: int, rows: int) -> Json:
    return {
        "from": tenth / TENTHS,
        "to": (tenth + 1) / TENTHS,
        "rows": rows,
        "enough": rows >= MIN_ROWS,
    }


def _counts(probability: Floats) -> list[int]:
    return [int(rows) for rows in np.bincount(tenths(probability), minlength=TENTHS)]


def _means(probability: Floats, values: Floats) -> list[float | None]:
    """The values' mean in each tenth, None in an empty one."""
    sums = np.bincount(tenths(probability), values, minlength=TENTHS)
    return [
        round(float(total) / rows, _DIGITS) if rows else None
        for total, rows in zip(sums, _counts(probability), strict=True)
    ]
