"""What a model looks at, by stored name: position means nothing, because jsonb keeps no order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoretrain.domain.json import Json
from autoretrain_trainer.rows import Floats, Trades


@dataclass(frozen=True, slots=True)
class Input:
    """One column: a feature of the user's, or the trade's own side or symbol.

    A feature may be called "side" too, so the origin is part of the identity.
    """

    origin: str
    name: str

    def to_json(self) -> Json:
        return {self.origin: self.name}


def feature(name: str) -> Input:
    return Input("feature", name)


SIDE = Input("trade", "side")
SYMBOL = Input("trade", "symbol")


def inputs_of(features: Sequence[str], symbols: Sequence[str]) -> tuple[Input, ...]:
    """The columns of a new model: features in name order, side, symbol if there are several."""
    several = (SYMBOL,) if len(symbols) > 1 else ()
    return (*map(feature, sorted(features)), SIDE, *several)


def matrix(trades: Trades, inputs: Sequence[Input], symbols: Sequence[str]) -> Floats:
    """One row per trade, one column per input, coded as the model with these `symbols` knows it.

    What the trades lack, and a symbol that the model never met, is NaN.
    """
    columns = np.full((len(trades), len(inputs)), np.nan)
    positions = {name: position for position, name in enumerate(trades.features)}
    for index, column in enumerate(inputs):
        if column == SIDE:
            columns[:, index] = trades.side
        elif column == SYMBOL:
            columns[:, index] = _codes(trades, symbols)
        elif column.name in positions:
            columns[:, index] = trades.values[:, positions[column.name]]
    return columns


def _codes(trades: Trades, symbols: Sequence[str]) -> Floats:
    known = {symbol: float(code) for code, symbol in enumerate(symbols)}
    codes = np.array([known.get(symbol, np.nan) for symbol in trades.symbols])
    return codes[trades.symbol]
