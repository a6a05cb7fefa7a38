"""Decides how a model of so many rows is grown: small trees for small data."""

from __future__ import annotations

from dataclasses import dataclass

from autoretrain.domain.json import Json

RECIPE_VERSION = "5"

LONG_MEMORY_ROWS = 8_000
SHORT_MEMORY_ROWS = 500
SMALL_ROWS = 7_500
"""Up to here larger trees tell wins from losses no better, and with less modest probabilities."""

SEED = 20_000
"""For what is drawn at random: which rows and columns a tree sees."""

_MANY_SYMBOLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """What depends on the number of rows; the rest is the same for every model."""

    trees: int
    leaves: int
    learning_rate: float
    min_child_rows: int
    row_share: float
    half_life: int | None = None
    """A trade counts half of what one decided so many trades later does; all alike for None."""

    def params(self, seed: int = SEED) -> Json:
        """LightGBM's parameters. The same rows give the same model, whatever the machine does."""
        return {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.min_child_rows,
            "lambda_l2": 5.0,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "feature_fraction": 0.7,
            # A quarter of the default: as good on noisy trades, in two thirds of the time.
            "max_bin": 63,
            "bin_construct_sample_cnt": 1_000,
            # One symbol against the rest: one that the model does not know goes with the rest.
            "max_cat_to_onehot": _MANY_SYMBOLS,
            "seed": seed,
            "deterministic": True,
            "force_col_wise": True,
            # With so few rows a second thread costs more than it gives.
            "num_threads": 1,
            "verbosity": -1,
        }

    def to_json(self) -> Json:
        """The recipe as a manifest keeps it."""
        return {
            "version": RECIPE_VERSION,
            "trees": self.trees,
            "half_life": self.half_life,
            "params": self.params(),
        }


def recipe_for(rows: int) -> Recipe:
    """The recipe for a model that is fitted on `rows` trades."""
    min_child_rows = 30 if rows >= 300 else max(5, rows // 10)
    if rows < SMALL_ROWS:
        return Recipe(60, 7, 0.05, min_child_rows, row_share=0.8)
    # What a tree costs grows with the rows: few large ones at a higher rate do what many did, where
    # no leaf holds less than a hundredth of the rows. With so many, old ones can be spared.
    return Recipe(18, 31, 0.22, rows // 100, row_share=1.0, half_life=2_500)
