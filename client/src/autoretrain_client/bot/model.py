"""Scores one trade with a loaded model; the only module that knows LightGBM."""

from __future__ import annotations

import ctypes
import math
import weakref
from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Real
from threading import Lock
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


class _SingleRow:
    """LightGBM's own way of asking for one row after the other; threads may share it.

    Nine tenths of `Booster.predict` are preparations that are the same for every row. The numbers
    are the very same.
    """

    # Called without letting go of the interpreter: the answer takes 2 µs, taking it back up to 5 ms
    # while another thread is busy.
    _library = ctypes.PyDLL(lgb.basic._LIB._name)  # type: ignore[attr-defined]
    _NORMAL, _FLOAT64, _FROM_FIRST, _TO_LAST = 0, 1, 0, -1

    def __init__(self, booster: lgb.Booster) -> None:
        self._booster = booster  # the library reads it, and does not own it
        self._row = np.empty(booster.num_feature())
        self._length, self._answer = ctypes.c_int64(), ctypes.c_double()
        self._prepared = ctypes.c_void_p()
        self._check(
            self._library.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                *(self._NORMAL, self._FROM_FIRST, self._TO_LAST, self._FLOAT64),
                ctypes.c_int32(len(self._row)),
                # One thread, as the trainer predicts: the same trade gives the very same number.
                b"num_threads=1",
                ctypes.byref(self._prepared),
            )
        )
        weakref.finalize(self, self._library.LGBM_FastConfigFree, self._prepared)
        self._arguments = (
            self._prepared,
            ctypes.c_void_p(self._row.ctypes.data),
            ctypes.byref(self._length),
            ctypes.byref(self._answer),
        )
        self._lock = Lock()

    def predict(self, row: Sequence[float]) -> float:
        with self._lock:
            self._row[:] = row
            self._check(self._library.LGBM_BoosterPredictForMatSingleRowFast(*self._arguments))
            return self._answer.value

    def _check(self, code: int) -> None:
        if code:
            raise lgb.basic.LightGBMError(f"asking for one row failed with {code}")


class Model:
    """A loaded model, which never changes."""

    def __init__(self, booster: lgb.Booster, columns: Columns) -> None:
        self.columns = columns
        self._single_row = _SingleRow(booster)

    def score(self, features: Mapping[str, Any], side: str | None, symbol: str | None) -> Score:
        """What the model says of the trade.

        A feature that is missing, None or infinite is missing to the model; one that it does not
        know is left out. Raises TypeError for a feature that is no number, ValueError for a side.
        """
        row, missing = [], 0
        for origin, name in self.columns.inputs:
            if origin == "feature":
                value = _number(name, features.get(name))
                missing += value != value
            else:
                value = _side(side) if name == "side" else self._code(symbol)
            row.append(value)
        return Score(self._single_row.predict(row), missing)

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
    if type(value) is float:  # nearly every one is
        return value if math.isfinite(value) else math.nan
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
