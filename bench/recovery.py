"""How soon after a planted flip what is served tells wins from losses as well as before it.

Measured against the known win probabilities, not the outcomes: the expected AUC of 200 trades has
no luck of the draw in it.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOW_TRADES = 200
LEVEL_TRADES = 500
BACK_SHARE = 0.95
GRADUAL, NOISE = ">", "noise"


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Each trade's true win probability and the name of its regime, in the order of the log."""

    probability: Floats
    regime: Sequence[str]


@dataclass(frozen=True, slots=True)
class Flip:
    """A sudden change of regime at row `at`; the new one lasts until row `end`."""

    name: str
    at: int
    end: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """`trades` were served before the first 200 in a row whose expected AUC is 95 % of `level`,
    that of the 500 before the flip; None where there are no such 200 in the new regime."""

    flip: str
    level: float
    trades: int | None


def read_truth(path: Path, trade_ids: Sequence[str]) -> Truth:
    """The truth of these trades. Raises KeyError for one that the file does not have."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        told = {row["trade_id"]: row for row in csv.DictReader(file)}
    of = [told[trade_id] for trade_id in trade_ids]
    return Truth(np.array([float(row["true_p"]) for row in of]), [row["regime"] for row in of])


def flips(regime: Sequence[str]) -> list[Flip]:
    """Sudden changes from one planted rule to another: none that fades in, none to or from noise.

    Trades of the same instant may stand in another order than planted, so that the regimes'
    borders fray: a change counts where the new regime stays for a window.
    """
    changes = [row for row in range(1, len(regime)) if regime[row] != regime[row - 1]]
    lasting = [row for row in changes if len(set(regime[row : row + WINDOW_TRADES])) == 1]
    ends = [*lasting[1:], len(regime)]
    found = []
    for at, end in zip(lasting, ends, strict=True):
        before, after = regime[max(0, at - WINDOW_TRADES // 2)], regime[at]
        if not any(GRADUAL in name or name == NOISE for name in (before, after)):
            found.append(Flip(f"{before} to {after}", at, end))
    return found


def recovery(truth: Truth, told: Floats, flip: Flip) -> Recovery:
    before = slice(max(0, flip.at - LEVEL_TRADES), flip.at)
    level = expected_auc(truth.probability[before], told[before])
    for start in range(flip.at, flip.end - WINDOW_TRADES + 1):
        window = slice(start, start + WINDOW_TRADES)
        if expected_auc(truth.probability[window], told[window]) >= BACK_SHARE * level:
            return Recovery(flip.name, level, start - flip.at)
    return Recovery(flip.name, level, None)


def expected_auc(truth: Floats, told: Floats) -> float:
    """The chance that of two trades, drawn as a win and a loss by their true probabilities, the win
    was told the higher one; ties count half."""
    loss = 1 - truth
    values, place = np.unique(told, return_inverse=True)
    losses = np.bincount(place, loss, minlength=len(values))
    below = np.cumsum(losses) - losses
    # A trade cannot be both, so its pair with itself, a tie, is taken out.
    itself = float((truth * loss).sum())
    ahead = float((truth * (below + losses / 2)[place]).sum()) - itself / 2
    return ahead / (float(truth.sum() * loss.sum()) - itself)
