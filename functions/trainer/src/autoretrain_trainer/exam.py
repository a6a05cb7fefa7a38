"""Fits a model for judging and lets it sit its exam: against the champion, or the base rate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoretrain.domain.gate import Evidence, TooFewRows
from autoretrain.domain.models import Champion
from autoretrain.ports import Report
from autoretrain_trainer import judge
from autoretrain_trainer.fit import Course, Model, Rounds
from autoretrain_trainer.metrics import correlation
from autoretrain_trainer.rows import Floats, Trades, to_microseconds

MIN_CLASS_ROWS = 10
MIN_AGREEMENT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """One model that was judged, with the trades it was fitted on and those it was asked about."""

    model: Model
    fitted: Trades
    judged: Trades
    probability: Floats

    def disagrees(self, refit: Model) -> bool:
        """Whether the refit says something else about the judged trades."""
        return correlation(self.probability, refit.predict(self.judged)) < MIN_AGREEMENT


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """What judging came to.

    `sha256` is None where nothing was judged, `seat` also where the models of several folds
    earned the evidence together.
    """

    evidence: Evidence
    seat: Seat | None = None
    sha256: str | None = None
    purged: int = 0


def too_few_of_a_class(trades: Trades, what: str) -> str | None:
    """Says so when wins or losses are too few to learn from."""
    wins, losses = trades.wins, len(trades) - trades.wins
    if min(wins, losses) >= MIN_CLASS_ROWS:
        return None
    return (
        f"{wins} wins and {losses} losses among {len(trades)} {what};"
        f" at least {MIN_CLASS_ROWS} of each are needed"
    )


def against_champion(
    trades: Trades,
    course: Course,
    champion: Champion,
    load: Callable[[Champion], Model],
    report: Report,
) -> Exam | str:
    """Judge on trades that neither model has seen; a line where too little is left to fit on."""
    cutoff = to_microseconds(champion.data_cutoff)
    split = judge.split_against_champion(trades.decided_at, trades.closed_at, cutoff)
    if split is None:
        fresh = judge.unseen(trades.decided_at, trades.closed_at, cutoff)
        return Exam(TooFewRows(champion.version, int(fresh.sum())))
    fitted, judged = trades.only(split.fitted), trades.only(split.judged)
    if line := too_few_of_a_class(fitted, "trades that had closed before the first judged one"):
        return line
    model = course.fit(fitted, _telling(report))
    report("judging")
    seat = Seat(model, fitted, judged, model.predict(judged))
    base = np.full(len(judged), judge.base_rate(fitted))
    rival = load(champion).predict(judged)
    evidence = judge.compare(judged, seat.probability, rival, base, champion.version)
    return Exam(evidence, seat, model.sha256, int(split.purged.sum()))


def against_base_rate(trades: Trades, course: Course, report: Report) -> Exam:
    """Judge a first model out of fold: each trade by a model of what had closed before its fold."""
    folds = judge.expanding_folds(trades.decided_at, trades.closed_at)
    base, probability = np.empty(len(trades)), np.empty(len(trades))
    digest = hashlib.sha256()
    for number, fold in enumerate(folds):
        fitted = trades.only(fold.fitted)
        base[fold.judged] = probability[fold.judged] = judge.base_rate(fitted)
        # One class teaches nothing: the base rate stands in for a model.
        if 0 < fitted.wins < len(fitted):
            model = course.fit(fitted, _telling(report, number, len(folds)))
            probability[fold.judged] = model.predict(trades.only(fold.judged))
            digest.update(model.text)
    report("judging")
    pooled = np.any([fold.judged for fold in folds], axis=0)
    judged = trades.only(pooled)
    evidence = judge.compare_with_base_rate(judged, probability[pooled], base[pooled])
    purged = np.any([fold.purged for fold in folds], axis=0)
    return Exam(evidence, sha256=digest.hexdigest(), purged=int(purged.sum()))


def _telling(report: Report, fit: int = 0, fits: int = 1) -> Rounds:
    """Report several fits in a row as one that goes on."""

    def tell(round: int, rounds: int) -> None:
        report("fitting", fit * rounds + round, fits * rounds)

    return tell
