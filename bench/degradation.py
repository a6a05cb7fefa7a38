"""How often `degradation_rule: calibrated` raises a false alarm, and how soon it finds a real drop.

Beside it: the ratio rule (the newest 50 trades, at least 30, against 90 % of the expectation), and
the classic CUSUM (drop of 20 %, limit 5.1) that takes its expectation for certain. Everybody looks
again and again; the expectation is the accuracy on the judged trades, drawn anew in every run.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

if not __package__:
    # Run as a file, only its own folder is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from autoretrain.domain.degradation import (
    ALARM,
    BLOCK_TRADES,
    DROPS,
    FROM_THE_START,
    GUARANTEE,
    LATER,
    PRIOR_CALLS,
    WITHIN_TRADES,
)
from autoretrain.errors import Invalid
from bench.page import Page

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

JUDGED = (20, 30, 60, 150, 500)
ACCURACIES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
FOUND_WITHIN = (500, 1_000, 2_000)
LATE_START = 500
MIN_TRADES, WINDOW, RATIO = 30, 50, 0.9
CUSUM_DROP, CUSUM_LIMIT = 0.8, 5.1
RULES = ("calibrated", "ratio", "cusum")

# The product sums up one life at a time; a grid takes all of them at once. It is even in arcsin √p,
# where every p is told from its neighbours equally well.
_GRID = 100
_P = np.sin((np.arange(_GRID) + 0.5) / _GRID * math.pi / 2) ** 2
_LOG_P, _LOG_NOT_P = np.log(_P), np.log1p(-_P)


@dataclass(frozen=True)
class Model:
    """Tenths of win probability with the share of trades and the accuracy in each."""

    shares: tuple[float, ...]
    accuracies: tuple[float, ...]
    better_of_two: bool = False


SPREAD = Model((0.15, 0.35, 0.35, 0.15), (0.68, 0.56, 0.53, 0.6))


@dataclass
class Runs:
    """Many lives of one model, in step; each row of an array is a life, each column a tenth."""

    judged_right: Floats
    judged_wrong: Floats
    right: list[Floats] = field(default_factory=list)
    wrong: list[Floats] = field(default_factory=list)
    trades: int = 0

    @classmethod
    def begin(cls, model: Model, judged: int, runs: int, rng: np.random.Generator) -> Runs:
        right, wrong = _judge(model, judged, runs, rng)
        if model.better_of_two:
            rival_right, rival_wrong = _judge(model, judged, runs, rng)
            better = (rival_right.sum(1) > right.sum(1))[:, None]
            right = np.where(better, rival_right, right)
            wrong = np.where(better, rival_wrong, wrong)
        return cls(right, wrong)

    def add(self, tenth: Array, correct: Array) -> None:
        """One more trade of every life."""
        if self.trades % BLOCK_TRADES == 0:
            self.right.append(np.zeros_like(self.judged_right))
            self.wrong.append(np.zeros_like(self.judged_wrong))
        self.trades += 1
        life = np.arange(len(tenth))
        self.right[-1][life, tenth] += correct
        self.wrong[-1][life, tenth] += ~correct

    def evidence(self) -> Floats:
        """The product's own statistic for all lives at once, see `domain/degradation.py`."""
        known = (self.judged_right > 0) | (self.judged_wrong > 0)
        right = np.stack(self.right) * known
        wrong = np.stack(self.wrong) * known
        prior = PRIOR_CALLS - 0.5  # as a density of arcsin √p
        all_right = self.judged_right + right.sum(0) + prior
        flat = _log_sum(all_right, self.judged_wrong + wrong.sum(0) + prior, None, 1.0)
        total = np.zeros(len(known))
        for start in range(len(right)):
            weight = (LATER if start else FROM_THE_START) / len(DROPS)
            before = self.judged_wrong + wrong[:start].sum(0) + prior
            after, right_after = wrong[start:].sum(0), right[start:].sum(0)
            for drop in DROPS:
                dropped = _log_sum(all_right, before, after, drop) + right_after * math.log(drop)
                total += weight * np.exp(np.minimum((dropped - flat).sum(1), 20))
        return total


def _judge(model: Model, judged: int, runs: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    trades = rng.multinomial(judged, model.shares, runs)
    right = rng.binomial(trades, model.accuracies)
    return right.astype(float), (trades - right).astype(float)


def _log_sum(right: Floats, wrong: Floats, after: Floats | None, drop: float) -> Floats:
    terms = right[..., None] * _LOG_P + wrong[..., None] * _LOG_NOT_P
    if after is not None:
        terms += after[..., None] * np.log1p(-drop * _P)
    highest = terms.max(-1, keepdims=True)
    found: Floats = highest[..., 0] + np.log(np.exp(terms - highest).sum(-1))
    return found


def first_alarms(
    model: Model,
    judged: int,
    trades: int,
    runs: int,
    rng: np.random.Generator,
    drop: float = 1.0,
    drop_from: int = 0,
    look_every: int = 5,
) -> dict[str, Floats]:
    """Per rule and life, the trade at which it first raises an alarm, infinite where never."""
    lives = Runs.begin(model, judged, runs, rng)
    expected = lives.judged_right.sum(1) / judged
    alarms = {rule: np.full(runs, np.inf) for rule in RULES}
    cusum, kept = np.zeros(runs), np.clip(expected, 0.5 / judged, 1 - 0.5 / judged)
    up, down = math.log(CUSUM_DROP), np.log((1 - CUSUM_DROP * kept) / (1 - kept))
    past: list[Array] = []
    for trade in range(1, trades + 1):
        tenth = rng.choice(len(model.shares), runs, p=model.shares)
        sinks = drop if trade > drop_from else 1.0
        correct = rng.random(runs) < sinks * np.array(model.accuracies)[tenth]
        lives.add(tenth, correct)
        past.append(correct)
        cusum = np.maximum(0, cusum + np.where(correct, up, down))
        _note(alarms["cusum"], cusum > CUSUM_LIMIT, trade)
        if trade < MIN_TRADES:
            continue
        observed = np.stack(past[-WINDOW:]).mean(0)
        _note(alarms["ratio"], RATIO * expected - observed > 1e-9, trade)
        if trade % look_every == 0:
            _note(alarms["calibrated"], lives.evidence() >= ALARM, trade)
    return alarms


def _note(first: Floats, alarm: Array, trade: int) -> None:
    first[alarm & np.isinf(first)] = trade


def one_accuracy(accuracy: float, better_of_two: bool = False) -> Model:
    return Model((1.0,), (accuracy,), better_of_two)


def false_alarms(page: Page, runs: int, rng: np.random.Generator) -> None:
    page.tell(
        f"False alarms of an unchanged model within {WITHIN_TRADES} trades ({GUARANTEE}).\n"
        f"Mean over accuracies {ACCURACIES[0]} to {ACCURACIES[-1]} ± one standard error, and the\n"
        "worst of them; 'chosen': the luckier of two equal models on the judged trades (mean);\n"
        "'by tenth': a model with four tenths of win probability, each with its own accuracy.\n"
    )
    page.tell("| judged trades | calibrated | worst | chosen | by tenth | ratio | CUSUM |")
    page.tell("|---|---|---|---|---|---|---|")
    for judged in JUDGED:
        plain = [_alarmed(one_accuracy(p), judged, runs, rng) for p in ACCURACIES]
        chosen = [_alarmed(one_accuracy(p, True), judged, runs // 2, rng) for p in ACCURACIES]
        spread = _alarmed(SPREAD, judged, runs, rng)["calibrated"]
        mean = {rule: float(np.mean([one[rule] for one in plain])) for rule in RULES}
        error = math.sqrt(mean["calibrated"] * (1 - mean["calibrated"]) / (runs * len(plain)))
        page.tell(
            f"| {judged} | {mean['calibrated']:.3f} ± {error:.3f}"
            f" | {max(one['calibrated'] for one in plain):.3f}"
            f" | {np.mean([one['calibrated'] for one in chosen]):.3f} | {spread:.3f}"
            f" | {mean['ratio']:.2f} | {mean['cusum']:.2f} |"
        )


def _alarmed(model: Model, judged: int, runs: int, rng: np.random.Generator) -> dict[str, float]:
    alarms = first_alarms(model, judged, WITHIN_TRADES, runs, rng)
    return {rule: float(np.isfinite(first).mean()) for rule, first in alarms.items()}


def found_drops(page: Page, runs: int, rng: np.random.Generator, drop_from: int) -> None:
    page.tell(
        f"\nDrops found (accuracy .60 before), when the drop comes {drop_from} trades after the\n"
        "activation: share found within 500 / 1,000 / 2,000 trades of it, and the median delay\n"
        "of those found. Lives with an alarm before the drop are left out.\n"
    )
    page.tell("| judged trades | drop | calibrated | median | CUSUM | median | ratio | median |")
    page.tell("|---|---|---|---|---|---|---|---|")
    trades = min(FOUND_WITHIN[-1], 2_000) + drop_from
    for judged in JUDGED:
        for drop in (0.9, 0.8, 0.7):
            alarms = first_alarms(
                one_accuracy(0.6), judged, trades, runs, rng, drop, drop_from, look_every=25
            )
            told = " | ".join(
                _found(alarms[rule], drop_from) for rule in ("calibrated", "cusum", "ratio")
            )
            page.tell(f"| {judged} | {1 - drop:.0%} | {told} |")


def _found(first: Floats, drop_from: int) -> str:
    delays = first[first > drop_from] - drop_from
    if len(delays) < 10:
        return "– | –"
    shares = " / ".join(f"{(delays <= within).mean():.2f}" for within in FOUND_WITHIN)
    found = delays[delays <= FOUND_WITHIN[-1]]
    return f"{shares} | {np.median(found):.0f}" if len(found) else f"{shares} | –"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=400, help="lives per figure")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", type=Path, help="put the tables between its markers")
    asked = parser.parse_args()
    rng, page = np.random.default_rng(asked.seed), Page()
    false_alarms(page, asked.runs, rng)
    for drop_from in (0, LATE_START):
        found_drops(page, asked.runs // 2, rng, drop_from)
    page.tell(f"\n{asked.runs} runs, seed {asked.seed}.")
    if asked.markdown is not None:
        try:
            page.write(asked.markdown, "bench-degradation")
        except Invalid as exc:
            sys.exit(str(exc))


if __name__ == "__main__":
    main()
