"""Decides which features may be learnt from: none that is known only once a trade has ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from autoretrain.errors import DataError
from autoretrain_trainer.exit_only import is_exit_only
from autoretrain_trainer.metrics import roc_auc
from autoretrain_trainer.rows import Bools, Floats, Trades

MAX_FEATURES = 1_500
"""PostgreSQL takes 1,664 columns in one SELECT, and a trade has some of its own."""

LEAK_AUC = 0.95
MIN_LEAK_ROWS = 60
MIN_LEAK_CLASS_ROWS = 10
CHANCE = 1e-6
"""So rarely may chance alone give a value to one class only."""


def refuse_too_many(names: Sequence[str]) -> None:
    """Raises DataError when there are more features than one query can read."""
    if len(names) > MAX_FEATURES:
        raise DataError(
            "too_many_features",
            f"The newest trades hold {len(names):,} feature names; at most {MAX_FEATURES:,} can be"
            " read. Store fewer in the trades' `features`, and use the same names in every trade.",
        )


def refuse_exit_only(names: Iterable[str]) -> None:
    """Raises DataError naming the features that nobody knows when a trade is decided."""
    refused = sorted(name for name in names if is_exit_only(name))
    if refused:
        raise DataError(
            "exit_only_feature",
            f"Known only when a trade has ended, so not a feature: {', '.join(refused)}."
            " Remove them from the trades' features, or rename what is known at the decision.",
        )


def refuse_leaks(trades: Trades, allowed: Collection[str]) -> None:
    """Raises DataError naming the features that alone, by value or by absence, all but tell."""
    leaks = [f"{name} ({told})" for name, told in _leaks(trades) if name not in allowed]
    if leaks:
        raise DataError(
            "suspected_leak",
            f"Alone almost tells wins from losses, so it probably knows the outcome:"
            f" {', '.join(leaks)}. Remove it from the trades' features, or add it to"
            " `allowed_features` if it is known at the decision.",
        )


def _leaks(trades: Trades) -> Iterable[tuple[str, str]]:
    """Names with what gives them away: a tree splits on a value, and on its absence as well."""
    for name, values in zip(trades.features, trades.values.T, strict=True):
        missing = np.isnan(values)
        by_value = _auc(trades.win[~missing], values[~missing])
        if max(by_value, 1 - by_value) > LEAK_AUC:
            yield name, f"AUC {by_value:.3f}"
        by_absence = _auc(trades.win, missing.astype(np.float64))
        if by_absence > LEAK_AUC:
            yield name, f"is missing on wins: AUC {by_absence:.3f}"
        elif by_absence < 1 - LEAK_AUC:
            yield name, f"is missing on losses: AUC {1 - by_absence:.3f}"
        elif _one_sided(trades.win, ~missing):
            yield name, f"is there on {'wins' if trades.win[~missing][0] else 'losses'} only"


def _one_sided(win: Bools, present: Bools) -> bool:
    """Whether only wins, or only losses, have the value, and that cannot be chance."""
    having, wins = int(present.sum()), int(win[present].sum())
    if len(win) < MIN_LEAK_ROWS or 0 < wins < having or having == 0:
        return False
    share = float(win.mean()) if wins else 1 - float(win.mean())
    return share**having < CHANCE


def _auc(win: Bools, score: Floats) -> float:
    """The score's own AUC; 0.5 where the rows are too few to mean something."""
    wins, losses = int(win.sum()), int((~win).sum())
    if wins + losses < MIN_LEAK_ROWS or min(wins, losses) < MIN_LEAK_CLASS_ROWS:
        return 0.5
    auc = roc_auc(win, score)
    return 0.5 if auc is None else auc
