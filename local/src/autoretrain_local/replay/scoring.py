"""Scores what bots were told: how well it told wins from losses, and what it was worth."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import asdict, dataclass

import numpy as np

from autoretrain.domain.json import Json
from autoretrain_local.replay.log import Log
from autoretrain_local.replay.serving import NO_MODEL, Said
from autoretrain_trainer import metrics
from autoretrain_trainer.rows import Bools

WARM_UP_TRADES = 100
"""Trades decided before so many had closed are not scored, whatever the policy: nobody could have
known a thing, and runs of different policies stay comparable."""

TAKEN_SHARE = 0.3
QUANTILE_TRADES = 500
MIN_QUANTILE_TRADES = 30


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures over the `scored` trades; None where there are none.

    `roc_auc` is None with one class. `served_share` counts the trades that a model, not the base
    rate, spoke of. P&L is percent per trade; `taken` are the trades that a bot takes that wants
    the best 30 %, see `taken`.
    """

    scored: int
    served_share: float | None
    accuracy: float | None
    roc_auc: float | None
    brier: float | None
    log_loss: float | None
    pnl_pct: float | None
    taken: int
    taken_share: float | None
    taken_pnl_pct: float | None

    def to_json(self) -> Json:
        return asdict(self)


def scored(log: Log) -> Bools:
    """Which trades count: those with an outcome, decided once the warm-up was over."""
    closings = log.usable_closings
    if len(closings) < WARM_UP_TRADES:
        return np.zeros(len(log), dtype=np.bool_)
    return np.asarray(log.usable & (log.decided_at > closings[WARM_UP_TRADES - 1]))


def score(log: Log, said: Said) -> Scores:
    rows = scored(log)
    if not rows.any():
        return Scores(0, None, None, None, None, None, None, 0, None, None)
    win, probability, pnl_pct = log.pnl_pct[rows] > 0, said.probability[rows], log.pnl_pct[rows]
    take = taken(said)[rows]
    return Scores(
        scored=len(win),
        served_share=float((said.version[rows] != NO_MODEL).mean()),
        accuracy=metrics.accuracy(win, probability),
        roc_auc=metrics.roc_auc(win, probability),
        brier=metrics.brier(win, probability),
        log_loss=metrics.log_loss(win, probability),
        pnl_pct=float(pnl_pct.mean()),
        taken=int(take.sum()),
        taken_share=float(take.mean()),
        taken_pnl_pct=float(pnl_pct[take].mean()) if take.any() else None,
    )


def taken(said: Said) -> Bools:
    """Which trades a bot takes that wants the best 30 % of those a model speaks of and cannot look
    ahead: those above the 70 % quantile of the last 500 probabilities it was told before."""
    before: deque[float] = deque()
    ordered: list[float] = []
    take = np.zeros(len(said.probability), dtype=np.bool_)
    for row in np.flatnonzero(said.version != NO_MODEL).tolist():
        told = float(said.probability[row])
        if len(before) >= MIN_QUANTILE_TRADES:
            take[row] = told > _quantile(ordered, 1 - TAKEN_SHARE)
        before.append(told)
        insort(ordered, told)
        if len(before) > QUANTILE_TRADES:
            del ordered[bisect_left(ordered, before.popleft())]
    return take


def _quantile(ordered: list[float], share: float) -> float:
    """Linear between the two nearest."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
