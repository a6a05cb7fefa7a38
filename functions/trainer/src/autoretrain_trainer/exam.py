"""Fits a model for judging and lets it sit its exam: against the champion, or the base rate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoretrain.domain.gate import Evidence, TooFewRows
from autoretrain.domain.models import Champion, Election
from autoretrain.ports import Report
from autoretrain_trainer import judge
from autoretrain_trainer.fit import Course, Model, Rounds
from autoretrain_trainer.metrics import correlation
from autoretrain_trainer.recall import rows_of, too_few_of_a_class
from autoretrain_trainer.rows import Floats, Trades, to_microseconds

MIN_AGREEMENT = 0.5

Elect = Callable[[int | None], Election]
"""Says which memory stands, from what had closed before the first judged decision; None where
nothing is judged."""


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
class Sheet:
    """What was said of each judged trade: by the challenger, its rival, and the base rate."""

    judged: Trades
    challenger: Floats
    rival: Floats
    base: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """What judging came to, and which memory stood.

    `known` is what either memory could have been fitted on for judging. `sha256` is None where
    nothing was judged, as is `sheet`; `seat` also where the models of several folds earned the
    evidence together.
    """

    evidence: Evidence
    election: Election
    known: Trades
    seat: Seat | None = None
    sheet: Sheet | None = None
    sha256: str | None = None
    purged: int = 0


def against_champion(
    trades: Trades,
    course: Course,
    champion: Champion,
    load: Callable[[Champion], Model],
    elect: Elect,
    report: Report,
) -> Exam | str:
    """Judge on trades that neither model has seen; a line where too little is left to fit on."""
    cutoff = to_microseconds(champion.data_cutoff)
    split = judge.split_against_champion(trades.decided_at, trades.closed_at, cutoff)
    if split is None:
        fresh = judge.unseen(trades.decided_at, trades.closed_at, cutoff)
        return Exam(TooFewRows(champion.version, int(fresh.sum())), elect(None), trades)
    known, judged = trades.only(split.fitted), trades.only(split.judged)
    if line := too_few_of_a_class(known, "trades that had closed before the first judged one"):
        return line
    election = elect(int(judged.decided_at[0]))
    fitted = rows_of(election.memory, known)
    model = course.fit(fitted, _telling(report))
    report("judging")
    seat = Seat(model, fitted, judged, model.predict(judged))
    base = np.full(len(judged), judge.base_rate(fitted))
    rival = load(champion).predict(judged)
    evidence = judge.compare(judged, seat.probability, rival, base, champion.version)
    sheet = Sheet(judged, seat.probability, rival, base)
    return Exam(evidence, election, known, seat, sheet, model.sha256, int(split.purged.sum()))


def against_base_rate(trades: Trades, course: Course, elect: Elect, report: Report) -> Exam:
    """Judge a first model out of fold: each trade by a model of what had closed before its fold."""
    folds = judge.expanding_folds(trades.decided_at, trades.closed_at)
    pooled = np.any([fold.judged for fold in folds], axis=0)
    judged = trades.only(pooled)
    election = elect(int(judged.decided_at[0]))
    base, probability = np.empty(len(trades)), np.empty(len(trades))
    digest = hashlib.sha256()
    for number, fold in enumerate(folds):
        fitted = rows_of(election.memory, trades.only(fold.fitted))
        base[fold.judged] = probability[fold.judged] = judge.base_rate(fitted)
        # One class teaches nothing: the base rate stands in for a model.
        if 0 < fitted.wins < len(fitted):
            model = course.fit(fitted, _telling(report, number, len(folds)))
            probability[fold.judged] = model.predict(trades.only(fold.judged))
            digest.update(model.text)
    report("judging")
    sheet = Sheet(judged, probability[pooled], base[pooled], base[pooled])
    evidence = judge.compare_with_base_rate(judged, sheet.challenger, sheet.base)
    purged = np.any([fold.purged for fold in folds], axis=0)
    sha256, open_trades = digest.hexdigest(), int(purged.sum())
    return Exam(evidence, election, trades, sheet=sheet, sha256=sha256, purged=open_trades)


def _telling(report: Report, fit: int = 0, fits: int = 1) -> Rounds:
    """Report several fits in a row as one that goes on."""

    def tell(round: int, rounds: int) -> None:
        report("fitting", fit * rounds + round, fits * rounds)

    return tell
