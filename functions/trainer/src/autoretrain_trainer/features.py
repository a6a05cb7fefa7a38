"""Decides which features may be learnt from: none that is known only once a trade has ended."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import numpy as np

from autoretrain.errors import DataError
from autoretrain_trainer.metrics import roc_auc
from autoretrain_trainer.rows import Trades

EXIT_ONLY = re.compile(
    r"""
      exit(price|rate|reason|time|date|at)?
    | closed?(at|time|date|timestamp|reason)
    | (trade)?duration(min|minutes|hours)?
    | hold(ing)?(time|period|duration) | barsheld | timeintrade
    | (mae|mfe)(pct)? | max(adverse|favou?rable)excursion
    | (total)?(fees?|commissions?)(pct)?
    | (net|gross|close|reali[sz]ed)?(pnl|profit)(pct|abs|ratio|usdt?)?
    | (is)?(win|winner|won|loss) | (trade)?outcome | label
    """,
    re.VERBOSE,
)
"""Names in small letters without separators: `exitPrice`, `Exit-Price` and `exit_price` are one."""

LEAK_AUC = 0.95
MIN_LEAK_ROWS = 60
MIN_LEAK_CLASS_ROWS = 10


def refuse_exit_only(names: Iterable[str]) -> None:
    """Raises DataError naming the features that nobody knows when a trade is decided."""
    refused = sorted(name for name in names if _is_exit_only(name))
    if refused:
        raise DataError(
            "exit_only_feature",
            f"Known only when a trade has ended, so not a feature: {', '.join(refused)}."
            " Remove them from the trades' features, or rename what is known at the decision.",
        )


def refuse_leaks(trades: Trades, allowed: Collection[str]) -> None:
    """Raises DataError naming the features that alone all but tell the outcome."""
    leaks = [
        f"{name} (AUC {auc:.3f})"
        for name, auc in _aucs(trades)
        if max(auc, 1 - auc) > LEAK_AUC and name not in allowed
    ]
    if leaks:
        raise DataError(
            "suspected_leak",
            f"Alone almost tells wins from losses, so it probably knows the outcome:"
            f" {', '.join(leaks)}. Remove it from the trades' features, or add it to"
            " `allowed_features` if it is known at the decision.",
        )


def _is_exit_only(name: str) -> bool:
    bare = re.sub(r"[^a-z0-9]", "", name.lower())
    return name.lower().startswith("exit_") or EXIT_ONLY.fullmatch(bare) is not None


def _aucs(trades: Trades) -> Iterable[tuple[str, float]]:
    """Each feature's own AUC on the rows that have it, where they are enough to mean something."""
    for name, values in zip(trades.features, trades.values.T, strict=True):
        present = ~np.isnan(values)
        win = trades.win[present]
        wins, losses = int(win.sum()), int((~win).sum())
        if wins + losses < MIN_LEAK_ROWS or min(wins, losses) < MIN_LEAK_CLASS_ROWS:
            continue
        auc = roc_auc(win, values[present])
        if auc is not None:
            yield name, auc
