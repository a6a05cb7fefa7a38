"""Grows a model with LightGBM and asks one for probabilities; the only module that knows it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import lightgbm as lgb
import numpy as np

from autoretrain.domain.json import Json
from autoretrain.errors import ArtifactCorrupt
from autoretrain_trainer.inputs import SYMBOL, Input, inputs_of, matrix
from autoretrain_trainer.recipe import SEED, recipe_for
from autoretrain_trainer.rows import Floats, Trades
from autoretrain_trainer.weights import contributions

LIGHTGBM_VERSION: str = lgb.__version__
_TREES_PER_REPORT = 10
_LOADED = 4
"""A replay asks the same champion and memories at one training after the other; nobody else has
more than these in mind."""


class Rounds(Protocol):
    """Hears of boosting rounds; what it raises ends the fit."""

    def __call__(self, round: int, rounds: int) -> None: ...


@dataclass(frozen=True)
class Model:
    """A fitted model, with the names and symbol codes that its columns were made from."""

    booster: lgb.Booster
    inputs: tuple[Input, ...]
    symbols: tuple[str, ...]

    @cached_property
    def text(self) -> bytes:
        """LightGBM's own text format, UTF-8."""
        return self.booster.model_to_string().encode()

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.text).hexdigest()

    def predict(self, trades: Trades) -> Floats:
        """Each trade's win probability, from the columns that this model knows by name."""
        columns = matrix(trades, self.inputs, self.symbols)
        return np.asarray(self.booster.predict(columns, num_threads=1), dtype=np.float64)

    def gains(self) -> Floats:
        """What the splits on each input have gained, shape (inputs,)."""
        return np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)

    def contributions(self, trades: Trades) -> Floats:
        """What each input adds to each trade's log-odds (SHAP values), shape (trades, inputs)."""
        columns = matrix(trades, self.inputs, self.symbols)
        told = self.booster.predict(columns, num_threads=1, pred_contrib=True)
        # The last one is what the model says without any input.
        return np.asarray(told, dtype=np.float64)[:, :-1]


@dataclass(frozen=True, slots=True)
class Course:
    """What every fit of one training has in common: its columns, their weights, and the seed."""

    inputs: tuple[Input, ...]
    symbols: tuple[str, ...]
    weights: Mapping[str, float]
    seed: int = SEED

    @classmethod
    def of(cls, trades: Trades, weights: Mapping[str, float], seed: int = SEED) -> Course:
        inputs = inputs_of(trades.features, trades.symbols)
        return cls(inputs, trades.symbols, weights, seed)

    def params(self, rows: int) -> Json:
        """LightGBM's parameters for a fit on so many rows. Raises DataError for bad weights."""
        factors = contributions(self.weights, self.inputs)
        weighted: Json = {"feature_contri": list(factors)} if factors else {}
        return recipe_for(rows).params(self.seed) | weighted

    def fit(self, trades: Trades, report: Rounds) -> Model:
        """A model of these trades, which hold wins and losses."""
        recipe, params = recipe_for(len(trades)), self.params(len(trades))
        data = lgb.Dataset(
            matrix(trades, self.inputs, self.symbols),
            trades.win.astype(np.float64),
            weight=fading(len(trades), recipe.half_life),
            # The codes of symbols are names, not numbers.
            categorical_feature=[n for n, column in enumerate(self.inputs) if column == SYMBOL],
            params=params,
        )
        # lightgbm.train does the same, and then writes and reads the whole model once more.
        booster = lgb.Booster(params, data)
        for tree in range(1, recipe.trees + 1):
            booster.update()
            if tree % _TREES_PER_REPORT == 0 or tree == recipe.trees:
                report(tree, recipe.trees)
        return Model(booster, self.inputs, self.symbols)


def fading(rows: int, half_life: int | None) -> Floats | None:
    """What each trade counts, the newest 1; None where all count alike."""
    if half_life is None:
        return None
    ages = np.arange(rows)[::-1]
    return np.exp2(-ages / half_life)


@lru_cache(maxsize=_LOADED)
def load(text: bytes, inputs: tuple[Input, ...], symbols: tuple[str, ...]) -> Model:
    """A stored model. Its hash must have been checked: broken text ends the process."""
    booster = lgb.Booster(model_str=text.decode())
    if booster.num_feature() != len(inputs):
        raise ArtifactCorrupt(
            f"The stored model has {booster.num_feature()} columns, its manifest {len(inputs)}."
        )
    return Model(booster, inputs, symbols)
