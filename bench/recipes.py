"""Compares ways to grow the long memory's model on every long log of some folders, without a gate.

From 8,000 trades on each is fitted after every 250 trades on the newest 8,000 that had closed,
and asked about the next 250. "z" is that of its log-loss against the shipped recipe's, over blocks
of 250 trades: above zero it is better. "ms" are the processor's milliseconds of one fit. The logs
may be real ones or those of `bench/streams.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import lightgbm as lgb
import numpy as np

if not __package__:
    # Run as a file, only its own folder is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from autoretrain_trainer.fit import fading
from autoretrain_trainer.metrics import losses, paired_z, roc_auc
from autoretrain_trainer.recipe import LONG_MEMORY_ROWS, Recipe, recipe_for
from bench.forecasting import Bools, Floats, Ints, Rows
from bench.logs import Case, cases
from bench.page import Page, arguments

EVERY = 250
LEAST = LONG_MEMORY_ROWS // 100

SHIPPED = "shipped"
_shipped = recipe_for(LONG_MEMORY_ROWS)
RECIPES = {
    SHIPPED: _shipped,
    "half-life 1,500": replace(_shipped, half_life=1_500),
    "half-life 5,000": replace(_shipped, half_life=5_000),
    "no half-life": replace(_shipped, half_life=None),
    "30 × 15 at .15, no half-life": Recipe(30, 15, 0.15, LEAST, 1.0),
    "as below 7,500 rows": recipe_for(LONG_MEMORY_ROWS // 2),
}


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What one recipe said of all trades from the first fit on, and how long a fit took."""

    probability: Floats
    seconds: float


def tell(rows: Rows, recipe: Recipe, memory: int, every: int) -> Told:
    """Every trade after the first `memory`, by a model of what had closed before its block."""
    said, spent = [], 0.0
    for begin in range(memory, len(rows.win), every):
        closed = np.flatnonzero(rows.closed_at[:begin] <= rows.decided_at[begin])
        began = time.process_time()
        model = _fit(rows, closed[-memory:], recipe)
        spent += time.process_time() - began
        asked = rows.inputs[begin : begin + every]
        said.append(np.asarray(model.predict(asked, num_threads=1), dtype=np.float64))
    return Told(np.concatenate(said), spent / len(said))


def _fit(rows: Rows, known: Ints, recipe: Recipe) -> lgb.Booster:
    data = lgb.Dataset(
        rows.inputs[known],
        rows.win[known].astype(np.float64),
        weight=fading(len(known), recipe.half_life),
        params=recipe.params(),
    )
    booster = lgb.Booster(recipe.params(), data)
    for _ in range(recipe.trees):
        booster.update()
    return booster


def compare(
    case: Case, recipes: Mapping[str, Recipe], memory: int = LONG_MEMORY_ROWS, every: int = EVERY
) -> Iterator[str]:
    """A line per recipe, the shipped one first."""
    shipped = tell(case.rows, recipes[SHIPPED], memory, every)
    won = case.rows.win[-len(shipped.probability) :]
    for name, recipe in recipes.items():
        told = shipped if name == SHIPPED else tell(case.rows, recipe, memory, every)
        ours, other = (_blocks(won, of.probability, every) for of in (shipped, told))
        z = paired_z(ours, other)
        figures = (
            f"{roc_auc(won, told.probability):.4f}",
            f"{losses(won, told.probability).mean():.4f}",
            "" if name == SHIPPED else f"{z:+.1f}",
            f"{1e3 * told.seconds:.0f}",
        )
        yield f"| {case.name} | {name} | {' | '.join(figures)} |"


def _blocks(won: Bools, probability: Floats, trades: int) -> Floats:
    """The mean loss of each whole block: what follows closely on one another is alike."""
    lost = losses(won, probability)
    return np.asarray(lost[: len(lost) // trades * trades].reshape(-1, trades).mean(axis=1))


def main() -> None:
    asked, page = arguments(__doc__), Page()
    page.tell("| log | recipe | AUC | log-loss | z | ms |\n|---|---|---:|---:|---:|---:|")
    for case in (case for folder in asked.data for case in cases(folder, None)):
        if len(case.log) >= 2 * LONG_MEMORY_ROWS:
            for line in compare(case, RECIPES):
                page.tell(line)
    if asked.markdown is not None:
        page.write(asked.markdown, "bench-recipes")


if __name__ == "__main__":
    main()
