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

    What the trades lack is NaN.
    """
    columns = np.empty((len(trades), len(inputs)))
    for index, column in enumerate(inputs):
        columns[:, index] = values_of(trades, column, symbols)
    return columns


def values_of(trades: Trades, column: Input, symbols: Sequence[str]) -> Floats:
    """One input of every trade, as `matrix` has it: a view where the trades hold it so.

    A symbol's code is its position in `symbols` plus 1; 0 is no symbol, or none of these. The codes
    are names, not numbers: to a model that was fitted on no 0, it is none of those that it singles
    out.
    """
    if column == SIDE:
        return trades.side
    if column == SYMBOL:
        return _codes(trades, symbols)
    if column.name in trades.features:
        return trades.values[:, trades.features.index(column.name)]
    return np.full(len(trades), np.nan)


def _codes(trades: Trades, symbols: Sequence[str]) -> Floats:
    # Not NaN: to a model that was fitted on none, LightGBM shows it as 0, which must be nobody's.
    known = {symbol: float(code) for code, symbol in enumerate(symbols, start=1)}
    codes = np.array([0.0, *(known.get(symbol, 0.0) for symbol in trades.symbols)])
    return codes[trades.symbol + 1]
