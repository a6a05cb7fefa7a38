"""The baseline of the literature on streams: river's Adaptive Random Forest."""

from __future__ import annotations

import importlib
from itertools import count
from typing import Any

from autoretrain.errors import Invalid
from bench.forecasting import FIRST_TRADES, Ints, Rows


class Forest:
    """River's Adaptive Random Forest: learns from each trade as it closes."""

    def __init__(self, rows: Rows, seed: int, trees: int = 10) -> None:
        self._rows = rows
        self.trainings = 0
        self._learnt = 0
        self._forest = _river_forest().ARFClassifier(n_models=trees, seed=seed)

    def __call__(self, row: int, known: Ints) -> float:
        for closed in known[self._learnt :].tolist():
            self._forest.learn_one(self._inputs(closed), bool(self._rows.win[closed]))
        self._learnt = len(known)
        if len(known) < FIRST_TRADES:
            return float("nan")
        return float(self._forest.predict_proba_one(self._inputs(row)).get(True, 0.0))

    def _inputs(self, row: int) -> dict[int, float]:
        """A missing value is left out: its trees know that, but no NaN."""
        values = zip(count(), self._rows.inputs[row].tolist(), strict=False)
        return {column: value for column, value in values if value == value}


def _river_forest() -> Any:
    try:
        return importlib.import_module("river.forest")
    except ImportError as exc:
        raise Invalid(
            "river is not installed: `make bench-learning` installs it and runs the comparison,"
            " `--baselines` without arf10 does without it"
        ) from exc
