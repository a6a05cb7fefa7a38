"""Scores one trade with a loaded model; the only module that knows LightGBM."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np

from autoretrain_client.bot.artifact import Artifact, Columns
from autoretrain_client.errors import ModelRefused

_SIDES: Mapping[str | None, float] = {
    "long": 1.0,
    "buy": 1.0,
    "short": -1.0,
    "sell": -1.0,
    None: math.nan,
}


class Score(NamedTuple):
    """A trade's win probability, and how many of the model's features were missing for it."""

    win_probability: float
    missing: int


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A loaded model, which never changes."""

    booster: lgb.Booster
    columns: Columns

    def score(self, features: Mapping[str, Any], side: str | None, symbol: str | None) -> Score:
        """What the model says of the trade.

        A feature that is missing, None or infinite is missing to the model; one that it does not
        know is left out. Raises TypeError for a feature that is no number, ValueError for a side.
        """
        known: Mapping[str, Callable[[str], float]] = {
            "feature": lambda name: _number(name, features.get(name)),
            "trade": lambda name: _side(side) if name == "side" else self._code(symbol),
        }
        inputs = self.columns.inputs
        row = [known[origin](name) for origin, name in inputs]
        # One thread, as the trainer predicts: the same trade gives the very same number.
        chance = float(np.asarray(self.booster.predict(np.array([row]), num_threads=1))[0])
        cells = zip(inputs, row, strict=True)
        missing = sum(origin == "feature" and math.isnan(cell) for (origin, _), cell in cells)
        return Score(chance, missing)

    def _code(self, symbol: str | None) -> float:
        symbols = self.columns.symbols
        return float(symbols.index(symbol) + 1) if symbol in symbols else 0.0


def load(artifact: Artifact, columns: Columns) -> Model:
    """The model of a verified artifact: broken text would end the process. Raises ModelRefused."""
    try:
        booster = lgb.Booster(model_str=artifact.text.decode())
    except lgb.basic.LightGBMError as exc:
        raise ModelRefused(f"LightGBM cannot read the model: {exc}") from exc
    if booster.num_feature() != len(columns.inputs):
        raise ModelRefused(
            f"the model has {booster.num_feature()} columns, its manifest {len(columns.inputs)}"
        )
    return Model(booster, columns)


def _number(name: str, value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        raise TypeError(f"feature {name!r} must be a number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _side(side: str | None) -> float:
    try:
        return _SIDES[side]
    except KeyError:
        raise ValueError(f"side must be long, buy, short or sell, not {side!r}") from None
