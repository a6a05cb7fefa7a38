"""How well probabilities told wins from losses. Every function takes one element per trade."""

from __future__ import annotations

import math

import numpy as np

from autoretrain.domain.degradation import TENTHS, Calls
from autoretrain_trainer.rows import Bools, Floats, Ints

MIN_PROBABILITY = 0.01
MAX_Z = 99.0


def tenths(probability: Floats) -> Ints:
    """0 for those below 0.1, up to 9 for those from 0.9 on."""
    return np.digitize(probability, np.arange(1, TENTHS) / TENTHS)


def calls(win: Bools, probability: Floats) -> tuple[Calls, ...]:
    """How many were called right, tenth by tenth of those that hold any."""
    tenth = tenths(probability)
    trades = np.bincount(tenth, minlength=TENTHS)
    correct = np.bincount(tenth, (probability >= 0.5) == win, minlength=TENTHS)
    return tuple(Calls(n, int(trades[n]), int(correct[n])) for n in range(TENTHS) if trades[n])


def losses(win: Bools, probability: Floats) -> Floats:
    """Each trade's log-loss in nats, with probabilities clipped to 0.01-0.99."""
    clipped = np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return -np.log(np.where(win, clipped, 1 - clipped))


def log_loss(win: Bools, probability: Floats) -> float:
    """The mean log-loss in nats: what decides."""
    return float(losses(win, probability).mean())


def accuracy(win: Bools, probability: Floats) -> float:
    """The share called right when a win is called at 0.5."""
    return float(((probability >= 0.5) == win).mean())


def brier(win: Bools, probability: Floats) -> float:
    """The mean squared distance between probability and outcome."""
    return float(((probability - win) ** 2).mean())


def roc_auc(win: Bools, score: Floats) -> float | None:
    """The chance that a win scores above a loss, ties counting half; None with one class.

    The Mann-Whitney U statistic over (wins x losses).
    """
    won, lost = np.sort(score[win]), np.sort(score[~win])
    pairs = len(won) * len(lost)
    if not pairs:
        return None
    # Losses below each win, and losses not above it: the mean counts a tie half.
    below, not_above = (np.searchsorted(lost, won, side).sum() for side in ("left", "right"))
    return float(below + not_above) / 2 / pairs


def paired_z(rival: Floats, challenger: Floats) -> float:
    """The mean of the paired losses' difference over its standard error, within ±99.

    Above zero the challenger is better; 0 when the two are the same.
    """
    difference = rival - challenger
    mean = float(difference.mean())
    deviation = float(difference.std(ddof=1)) if len(difference) > 1 else 0.0
    error = deviation / math.sqrt(len(difference))
    if error == 0:
        return math.copysign(MAX_Z, mean) if mean else 0.0
    # A NaN must stay one, to be refused; min and max alone would hide it.
    z = mean / error
    return z if math.isnan(z) else max(-MAX_Z, min(MAX_Z, z))


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's r; of a constant 1 with another constant, 0 with anything else."""
    constant = [bool(np.ptp(values) == 0) for values in (one, other)]
    if any(constant):
        return float(all(constant))
    return float(np.corrcoef(one, other)[0, 1])
