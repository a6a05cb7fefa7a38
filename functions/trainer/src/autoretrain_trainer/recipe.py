"""Decides how a model of so many rows is grown: small trees for small data."""

from __future__ import annotations

from dataclasses import dataclass

from autoretrain.domain.json import Json

RECIPE_VERSION = "1"

LONG_MEMORY_ROWS = 20_000
SMALL_ROWS = 5_000
LARGE_ROWS = 20_000
PARALLEL_ROWS = 100_000
_SEED = 20_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """What depends on the number of rows; the rest is the same for every model."""

    trees: int
    leaves: int
    min_child_rows: int
    threads: int

    def params(self) -> Json:
        """LightGBM's parameters. The same rows give the same model, whatever the machine does."""
        return {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": 0.05,
            "min_data_in_leaf": self.min_child_rows,
            "lambda_l2": 5.0,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "feature_fraction": 0.7,
            "seed": _SEED,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": self.threads,
            "verbosity": -1,
        }

    def to_json(self) -> Json:
        """The recipe as a manifest keeps it."""
        return {"version": RECIPE_VERSION, "trees": self.trees, "params": self.params()}


def recipe_for(rows: int) -> Recipe:
    """The recipe for a model that is fitted on `rows` trades."""
    trees, leaves = _size(rows)
    return Recipe(
        trees=trees,
        leaves=leaves,
        min_child_rows=30 if rows >= 300 else max(5, rows // 10),
        # Below this, a second thread costs more than it gives; 0 is every core.
        threads=1 if rows < PARALLEL_ROWS else 0,
    )


def _size(rows: int) -> tuple[int, int]:
    if rows < SMALL_ROWS:
        return 60, 7
    if rows < LARGE_ROWS:
        return 100, 15
    return 150, 31
