"""Decides what is kept of the fitted trades' features, for newer ones to be compared with."""

from __future__ import annotations

import numpy as np

from autoretrain.domain.drift import MOST_FEATURES
from autoretrain.domain.json import Json
from autoretrain_trainer.fit import Model
from autoretrain_trainer.inputs import feature
from autoretrain_trainer.rows import Floats, Trades

_DECILES = np.arange(1, 10) / 10


def reference_of(model: Model, fitted: Trades) -> Json:
    """The features that the model leans on most, each as `Challenger.reference` has it."""
    gains = dict(zip(model.inputs, model.gains(), strict=True))
    named = sorted(fitted.features, key=lambda name: (-gains.get(feature(name), 0.0), name))
    kept = set(named[:MOST_FEATURES])
    columns = zip(fitted.features, fitted.values.T, strict=True)
    return {name: _spread(values) for name, values in columns if name in kept}


def _spread(values: Floats) -> Json:
    """Bins between the deciles; a value is on the right of its edge. Values that many trades share
    have a bin of their own."""
    known = _known(values)
    # As numpy.quantile has it with method "higher", which takes as long as all the rest.
    deciles = np.ceil(_DECILES * (len(known) - 1)).astype(np.intp)
    edges = np.unique(known[deciles]) if len(known) else known
    return {"edges": edges.tolist(), "rows": [*_between(known, edges), len(values) - len(known)]}


def rows_by_bin(values: Floats, edges: Floats) -> tuple[int, ...]:
    """How many values lie in each bin, and then how many are missing."""
    known = _known(values)
    return (*_between(known, edges), len(values) - len(known))


def _known(values: Floats) -> Floats:
    return np.sort(values[~np.isnan(values)])


def _between(known: Floats, edges: Floats) -> list[int]:
    # To look the few edges up among the values, not each value among the edges.
    below = np.searchsorted(known, edges)
    rows: list[int] = np.diff(below, prepend=0, append=len(known)).tolist()
    return rows
