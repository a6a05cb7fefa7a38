"""Decides which features may be learnt from: none that is known only once a trade has ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from autoretrain.errors import DataError
from autoretrain_trainer.exit_only import is_exit_only
from autoretrain_trainer.metrics import roc_auc
from autoretrain_trainer.rows import Bools, Floats, Ints, Trades

MAX_FEATURES = 1_500
"""PostgreSQL takes 1,664 columns in one SELECT, and a trade has some of its own."""

LEAK_AUC = 0.95
MIN_LEAK_ROWS = 60
MIN_LEAK_CLASS_ROWS = 10
MIN_LEAK_DAYS = 7
"""Within less than a week, one stretch of a market makes many a feature tell nearly everything."""

CHANCE = 1e-6
"""So rarely may chance alone give a value, or its absence, to one class only."""

_DAY_MICROSECONDS = 86_400_000_000


def refuse_too_many(names: Sequence[str]) -> None:
    """Raises DataError when there are more features than one query can read."""
    if len(names) > MAX_FEATURES:
        raise DataError(
            "too_many_features",
            f"The newest trades hold {len(names):,} feature names; at most {MAX_FEATURES:,} can be"
            " read. Store fewer in the trades' `features`, and use the same names in every trade.",
        )


def refuse_exit_only(names: Iterable[str], allowed: Collection[str] = ()) -> None:
    """Raises DataError naming the features that nobody knows when a trade is decided."""
    refused = sorted(name for name in names if name not in allowed and is_exit_only(name))
    if refused:
        raise DataError(
            "exit_only_feature",
            f"Known only when a trade has ended, so not a feature: {', '.join(refused)}."
            " Remove them from the trades' features, or add them to `allowed_features` if they are"
            " known at the decision.",
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
        by_value = _auc(trades, ~missing, values)
        if max(by_value, 1 - by_value) > LEAK_AUC:
            yield name, f"AUC {by_value:.3f}"
        if not missing.any():
            continue
        by_absence = _auc(trades, np.full(len(trades), True), missing.astype(np.float64))
        if by_absence > LEAK_AUC:
            yield name, f"is missing on wins: AUC {by_absence:.3f}"
        elif by_absence < 1 - LEAK_AUC:
            yield name, f"is missing on losses: AUC {1 - by_absence:.3f}"
        elif side := _only_side(trades, ~missing):
            yield name, f"is there on {side} only"
        elif side := _only_side(trades, missing):
            yield name, f"is missing on {side} only"


def _only_side(trades: Trades, rows: Bools) -> str | None:
    """The outcome that all these rows share, where that cannot be chance.

    Trades of one day may win or lose together, so it is the days that count.
    """
    won = trades.win[rows]
    if len(trades) < MIN_LEAK_ROWS or len(won) == 0 or won.any() != won.all():
        return None
    share = float((trades.win == won[0]).mean())
    if share ** _days(trades.decided_at[rows]) >= CHANCE:
        return None
    return "wins" if won[0] else "losses"


def _days(decided_at: Ints) -> int:
    """How many days the moments lie on; they ascend."""
    day = decided_at // _DAY_MICROSECONDS
    return int(np.count_nonzero(day[1:] != day[:-1])) + (len(day) > 0)


def _auc(trades: Trades, rows: Bools, score: Floats) -> float:
    """The score's own AUC on the rows; 0.5 where they are too few, or of too few days, to mean
    something."""
    win = trades.win[rows]
    wins, losses = int(win.sum()), int((~win).sum())
    if wins + losses < MIN_LEAK_ROWS or min(wins, losses) < MIN_LEAK_CLASS_ROWS:
        return 0.5
    if _days(trades.decided_at[rows]) < MIN_LEAK_DAYS:
        return 0.5
    asked = score[rows]
    if _overlap(asked[win], asked[~win]):
        return 0.5
    auc = roc_auc(win, asked)
    return 0.5 if auc is None else auc


def _overlap(won: Floats, lost: Floats) -> bool:
    """Whether that alone keeps the AUC from either end: a tenth of the losses lies above the median
    win, and with it above half of the wins, and another tenth below. It takes a third of the time.
    """
    median = np.median(won)
    least = 2 * (1 - LEAK_AUC)
    return bool((lost > median).mean() >= least and (lost < median).mean() >= least)
