"""Decides which of the trades each memory learns from, and what is too little to learn from."""

from __future__ import annotations

from autoretrain.domain.models import Memory
from autoretrain_trainer.recipe import LONG_MEMORY_ROWS, SHORT_MEMORY_ROWS
from autoretrain_trainer.rows import Trades

MIN_CLASS_ROWS = 10


def rows_of(memory: Memory, trades: Trades) -> Trades:
    """The newest trades, as many as the memory holds: all of them where they are fewer."""
    if memory is Memory.SHORT and has_short(trades):
        return trades.newest(SHORT_MEMORY_ROWS)
    return trades.newest(LONG_MEMORY_ROWS)


def has_short(trades: Trades) -> bool:
    """Whether a short memory differs from the long one, and can be fitted."""
    newest = trades.newest(SHORT_MEMORY_ROWS)
    return len(trades) > SHORT_MEMORY_ROWS and too_few_of_a_class(newest, "") is None


def too_few_of_a_class(trades: Trades, what: str) -> str | None:
    """Says so when wins or losses are too few to learn from."""
    wins, losses = trades.wins, len(trades) - trades.wins
    if min(wins, losses) >= MIN_CLASS_ROWS:
        return None
    return (
        f"{wins} wins and {losses} losses among {len(trades)} {what};"
        f" at least {MIN_CLASS_ROWS} of each are needed"
    )
