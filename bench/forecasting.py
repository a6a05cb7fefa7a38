"""Owns how a log is forecast: one trade at a time, in the order of the decisions, by what is known.

A forecaster is shown which trades had closed by the decision. It asks for the outcomes of no
others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAY = 86_400_000_000
"""In microseconds, as all times here."""

FIRST_TRADES = 100
"""Nobody begins with fewer closed trades."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A log in the order of the decisions. `inputs` has one column per feature, NaN where it is
    missing; `closed_at` is the largest integer where an outcome never comes."""

    decided_at: Ints
    closed_at: Ints
    win: Bools
    inputs: Floats

    def __len__(self) -> int:
        return len(self.win)

    def first(self, rows: int) -> Rows:
        return Rows(
            self.decided_at[:rows], self.closed_at[:rows], self.win[:rows], self.inputs[:rows]
        )


class Forecaster(Protocol):
    """Gives the trade of that row a win probability, NaN while it has no model. `known` are the
    rows that had closed by its decision, in the order in which they did."""

    trainings: int

    def __call__(self, row: int, known: Ints) -> float: ...


Build = Callable[[Rows, int], Forecaster]
"""Makes a forecaster of these rows, with that seed."""


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """Every trade's probability: the running base rate where the forecaster had no model."""

    probability: Floats
    by_model: Bools
    trainings: int


def forecast(rows: Rows, build: Build, seed: int = 0) -> Forecasts:
    """Ask about every trade in turn; a trade that closes in the instant of a decision is known."""
    forecaster = build(rows, seed)
    closings = np.argsort(rows.closed_at, kind="stable")
    known = np.searchsorted(rows.closed_at[closings], rows.decided_at, side="right")
    wins = np.concatenate([[0], np.cumsum(rows.win[closings])])
    told = np.array([forecaster(row, closings[: known[row]]) for row in range(len(rows))])
    by_model = np.isfinite(told)
    base_rate = (wins[known] + 1) / (known + 2)
    return Forecasts(np.where(by_model, told, base_rate), by_model, forecaster.trainings)
