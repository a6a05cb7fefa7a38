"""What the product is measured against, by name: forecasts of a log by simpler means."""

from __future__ import annotations

from bench.batches import Naive, Sliding, Static
from bench.forecasting import Build, Ints, Rows
from bench.forest import Forest


class BaseRate:
    """Never has a model: `forecast` tells the running base rate in its place."""

    trainings = 0

    def __init__(self, _rows: Rows, _seed: int) -> None:
        """Needs nothing."""

    def __call__(self, row: int, known: Ints) -> float:  # noqa: ARG002 -- a forecaster's
        return float("nan")


class NoChange:
    """The next trade ends as the last known one did."""

    trainings = 0

    def __init__(self, rows: Rows, _seed: int) -> None:
        self._rows = rows

    def __call__(self, row: int, known: Ints) -> float:  # noqa: ARG002 -- a forecaster's
        return float(self._rows.win[known[-1]]) if len(known) else float("nan")


BASELINES: dict[str, Build] = {
    "arf10": Forest,
    "base-rate": BaseRate,
    "no-change": NoChange,
    "static-100": lambda rows, seed: Static(rows, seed, 100),
    "static-1000": lambda rows, seed: Static(rows, seed, 1_000),
    "naive": Naive,
    "sliding-30d": lambda rows, seed: Sliding(rows, seed, 30),
    "sliding-180d": lambda rows, seed: Sliding(rows, seed, 180),
}
"""ARF first: the others' CPU is told as a multiple of its own."""

SEEDED = frozenset({"arf10"})
"""Only here another seed gives another forecast; LightGBM's defaults draw nothing at random."""
