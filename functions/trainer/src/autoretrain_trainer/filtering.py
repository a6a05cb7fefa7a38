"""Finds out whether earlier models have chosen the trades that this one learns from.

A bot that takes only what its model likes stores only that: the next model never learns how the
rest would have ended, and is judged on what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoretrain.domain.json import Json
from autoretrain_trainer.fit import Model
from autoretrain_trainer.rows import Bools, Floats, Trades

MIN_TRADES = 30
EDGE_SHARE = 0.05
"""So many of the taken trades may lie below what looks like a bot's threshold."""
SUSPICIOUS_SHARE = 0.25
"""Without a filter about as many lie below it as among the taken: this is five times that."""
_COMPARED = 1_000


@dataclass(frozen=True, slots=True)
class Filtering:
    """What the stored win probabilities say.

    `told` trades carry one, `left_out` of them were not executed. All but 5 % of the executed ones
    have at least `edge`. Of the newest `before` trades decided before any carried one, this model
    gives the share `below` less than that. `edge` and `below` are None where trades are too few.
    """

    told: int
    left_out: int
    edge: float | None = None
    before: int = 0
    below: float | None = None

    @property
    def found(self) -> bool:
        return self.below is not None and self.below >= SUSPICIOUS_SHARE and not self._keeps

    @property
    def _keeps(self) -> bool:
        """Whether the bot stores what it leaves out."""
        return self.left_out >= EDGE_SHARE * self.told

    @property
    def line(self) -> str:
        """What was found, and what it may be told from."""
        if self.told < MIN_TRADES:
            carrying = f"{self.told} of {MIN_TRADES} trades"
            return f"not enough evidence: {carrying} carry a model's win probability"
        if self._keeps:
            return (
                f"what a bot leaves out is learnt from too: of {self.told} trades that carry a win"
                f" probability {self.left_out} were not taken"
            )
        seen = f"{self.told} trades carry a win probability, {self.left_out} of them not taken"
        if self.edge is None or self.below is None:
            return (
                f"not enough evidence: {seen}, and only {self.before} of {MIN_TRADES} trades that"
                " could show what was left out came before them"
            )
        compared = (
            f"{seen}; {1 - EDGE_SHARE:.0%} of the others have at least {self.edge:.2f}, and this"
            f" model gives less to {self.below:.0%} of the {self.before} trades before them"
        )
        if not self.found:
            return f"no sign of it: {compared}"
        return (
            f"earlier models have chosen what this one learns from: {compared}. Store the trades"
            " that the bot leaves out as well, with the outcome that they would have had and"
            " `executed` false"
        )

    def to_json(self) -> Json:
        return {
            "found": self.found,
            "line": self.line,
            "told": self.told,
            "left_out": self.left_out,
            "edge": self.edge,
            "before": self.before,
            "below": self.below,
        }


def filtering(trades: Trades, model: Model) -> Filtering:
    """What the trades' own win probabilities say; `model` is asked about those without any."""
    told = _is_probability(trades.win_probability)
    count, left_out = int(told.sum()), int((told & ~trades.executed).sum())
    taken = trades.win_probability[told & trades.executed]
    if count < MIN_TRADES or len(taken) == 0:
        return Filtering(count, left_out)
    first_told = int(trades.decided_at[told][0])
    earlier = trades.only(trades.decided_at < first_told).newest(_COMPARED)
    if len(earlier) < MIN_TRADES:
        return Filtering(count, left_out, before=len(earlier))
    edge = float(np.quantile(taken, EDGE_SHARE))
    below = float((model.predict(earlier) < edge).mean())
    return Filtering(count, left_out, edge, len(earlier), below)


def _is_probability(values: Floats) -> Bools:
    """The user's own table may hold anything."""
    return (values >= 0) & (values <= 1)
