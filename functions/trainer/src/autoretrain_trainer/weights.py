"""Turns a strategy's feature weights into LightGBM's `feature_contri`.

A tree splits on order, so multiplying a column changes nothing; the weight multiplies the gain of
a split on it. Only ratios matter, and a weight of 0 leaves the column out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from autoretrain.errors import DataError
from autoretrain_trainer.inputs import Input

MAX_WEIGHT = 3.0


def contributions(weights: Mapping[str, float], inputs: Sequence[Input]) -> list[float] | None:
    """One factor per input in the model's column order, mean 1; None when all are equal.

    "side" and "symbol" may be weighted too, unless a feature has the name. Raises DataError.
    """
    # Features come first, so a feature called "side" takes the name.
    columns: dict[str, int] = {}
    for index, column in enumerate(inputs):
        columns.setdefault(column.name, index)
    _refuse_unknown(weights, columns)
    _refuse_bad(weights, columns)
    factors = [1.0] * len(inputs)
    for name, weight in weights.items():
        factors[columns[name]] = float(weight)
    mean = math.fsum(factors) / len(factors)
    if mean == 0:
        raise DataError("bad_feature_weight", "All feature weights are 0: raise at least one.")
    return None if len(set(factors)) == 1 else [factor / mean for factor in factors]


def _refuse_unknown(weights: Mapping[str, float], known: Mapping[str, int]) -> None:
    unknown = sorted(weights.keys() - known.keys())
    if unknown:
        raise DataError(
            "unknown_feature_weight",
            f"Feature weights name what the trades do not have: {', '.join(unknown)}."
            f" {_valid(known)}",
        )


def _valid(known: Mapping[str, int]) -> str:
    return f"Valid names: {', '.join(sorted(known))}."


def _refuse_bad(weights: Mapping[str, float], known: Mapping[str, int]) -> None:
    bad = [f"{name} = {weight}" for name, weight in weights.items() if not _is_weight(weight)]
    if bad:
        raise DataError(
            "bad_feature_weight",
            f"A feature weight is a number from 0 to {MAX_WEIGHT:g}: {', '.join(bad)}."
            f" {_valid(known)}",
        )


def _is_weight(weight: Any) -> bool:
    """The settings are jsonb, which holds whatever a person wrote there."""
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        return False
    return math.isfinite(weight) and 0 <= weight <= MAX_WEIGHT
