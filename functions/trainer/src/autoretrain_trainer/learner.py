"""One training from the trades to a judged model, or to the reason why there is none."""

from __future__ import annotations

import hashlib
import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import UUID

import numpy as np

from autoretrain.domain.gate import Comparison, Evidence, Outcome
from autoretrain.domain.models import (
    Assignment,
    Challenger,
    Champion,
    Declined,
    Lesson,
    RowsRead,
    StoredFile,
)
from autoretrain.domain.publishing import may_go_live
from autoretrain.errors import ArtifactCorrupt, ArtifactMissing, DataError
from autoretrain.ports import ArtifactStore, Report, TradeReader
from autoretrain_trainer.ahead import fetched_ahead
from autoretrain_trainer.artifact import artifact, load_champion, win_rate, with_report
from autoretrain_trainer.exam import Exam, against_base_rate, against_champion
from autoretrain_trainer.features import refuse_exit_only, refuse_leaks, refuse_too_many
from autoretrain_trainer.fit import LIGHTGBM_VERSION, Course, Model
from autoretrain_trainer.inputs import inputs_of, values_of
from autoretrain_trainer.memories import load_memories
from autoretrain_trainer.past import Past
from autoretrain_trainer.recall import rows_of, too_few_of_a_class
from autoretrain_trainer.recipe import LONG_MEMORY_ROWS, RECIPE_VERSION, SEED
from autoretrain_trainer.reference import reference_of
from autoretrain_trainer.report import Case, write
from autoretrain_trainer.rows import Floats, Trades, load_trades, rows_to_read, to_datetime


class TradeBooks(Protocol):
    """What the learner needs of the books: the part of `Training` that only reads."""

    def read_trades(
        self, strategy_id: UUID, as_of: datetime, newest: int
    ) -> AbstractContextManager[TradeReader]: ...

    def reused_rows(
        self, strategy_id: UUID, rival: str, since: datetime, until: datetime
    ) -> int: ...


@dataclass(frozen=True, slots=True)
class LightGBMLearner:
    """Learns a strategy's trades with LightGBM; an `autoretrain.ports.Learner`.

    `reports` says whether models get a report: whoever throws them away can do without. A training
    reads the `newest` trades; with no more than the short memory holds, there is no other.
    """

    training: TradeBooks
    artifacts: ArtifactStore
    reports: bool = True
    newest: int = LONG_MEMORY_ROWS
    seed: int = SEED

    def learn(self, assignment: Assignment, as_of: datetime, report: Report) -> Lesson:
        """Raises DataError, ArtifactUnavailable, ArtifactCorrupt, and what `report` raises."""
        with fetched_ahead(self.artifacts, assignment) as artifacts:
            return replace(self, artifacts=artifacts)._learn(assignment, as_of, report)

    def _learn(self, assignment: Assignment, as_of: datetime, report: Report) -> Lesson:
        report("loading")
        trades = self._load(assignment, as_of)
        rows = RowsRead(trades.as_of, len(trades), trades.dropped, trades.data_hash)
        fingerprint = fingerprint_of(trades, assignment)
        decline = partial(Declined, rows=rows, fingerprint=fingerprint)
        if line := too_little(trades, assignment.min_trades):
            return decline(Outcome.INSUFFICIENT_DATA, line)
        course = Course.of(trades, assignment.feature_weights, self.seed)
        _refuse(trades, course, assignment)
        if _nothing_new(assignment, fingerprint):
            return decline(
                Outcome.NOTHING_NEW, "the trades and settings are those of the last training"
            )
        report("fitting")
        past = self._recall(assignment.memories, trades)
        exam = self._examine(trades, course, assignment, past, report)
        if isinstance(exam, str):
            return decline(Outcome.INSUFFICIENT_DATA, exam)
        rows = replace(rows, purged=exam.purged)
        evidence = self._with_reuse(exam, assignment.strategy_id)
        served, fitted, disagrees = _served(exam, evidence, assignment, trades, course, report)
        report("remembering")
        memories = past.go_on(exam, served, trades, course, partial(report, "remembering"))
        made = artifact(
            assignment, course, served, fitted, rows, evidence, exam.election, fingerprint
        )
        if self.reports:
            report("reporting")
            case = Case(assignment, trades, course, exam, evidence, served, made)
            made = with_report(made, write(case))
        return Challenger(
            evidence=evidence,
            served=made,
            judged_sha256=exam.sha256 or served.sha256,
            refit_disagrees=disagrees,
            data_cutoff=to_datetime(fitted.last_closed_at),
            win_rate=win_rate(fitted),
            fitted_rows=len(fitted),
            rows=rows,
            fingerprint=fingerprint,
            election=exam.election,
            memories=memories.to_bytes(),
            reference=reference_of(served, fitted),
        )

    def _load(self, assignment: Assignment, as_of: datetime) -> Trades:
        newest = rows_to_read(assignment.min_trades, self.newest)
        with self.training.read_trades(assignment.strategy_id, as_of, newest) as reader:
            features = reader.features()
            refuse_too_many(features)
            refuse_exit_only(features, assignment.allowed_features)
            return load_trades(reader, features, newest)

    def _recall(self, file: StoredFile | None, trades: Trades) -> Past:
        """What the last training has left; a training never fails for want of it."""
        if file is None:
            return Past()
        try:
            memories = load_memories(file, self.artifacts)
            return Past(memories, memories.record.and_then(memories.score(trades)))
        except (ArtifactCorrupt, ArtifactMissing) as exc:
            return Past(note=f"a new record begins, the last one cannot be read ({exc.code})")

    def _examine(
        self, trades: Trades, course: Course, assignment: Assignment, past: Past, report: Report
    ) -> Exam | str:
        champion = assignment.champion
        if champion is None:
            return against_base_rate(trades, course, past.elect, report)
        return against_champion(trades, course, champion, self._champion, past.elect, report)

    def _champion(self, champion: Champion) -> Model:
        return load_champion(champion, self.artifacts)

    def _with_reuse(self, exam: Exam, strategy_id: UUID) -> Evidence:
        evidence = exam.evidence
        if not isinstance(evidence, Comparison):
            return evidence
        reused = self.training.reused_rows(
            strategy_id, evidence.rival, evidence.judged_from, evidence.judged_until
        )
        return replace(evidence, rows_reused=reused)


def fingerprint_of(trades: Trades, assignment: Assignment) -> str:
    """The sha256 of everything that decides what a training learns."""
    told = {
        "data": trades.data_hash,
        "feature_weights": dict(assignment.feature_weights),
        "allowed_features": sorted(assignment.allowed_features),
        "min_trades": assignment.min_trades,
        "recipe": RECIPE_VERSION,
        "lightgbm": LIGHTGBM_VERSION,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def too_little(trades: Trades, min_trades: int) -> str | None:
    """Says so when there is too little to learn from."""
    if len(trades) < min_trades:
        return f"{len(trades)} of {min_trades} usable closed trades"
    if line := too_few_of_a_class(trades, "usable closed trades"):
        return line
    if trades.features and not _varies(trades):
        return f"every feature is the same in all {len(trades)} usable closed trades"
    return None


def _varies(trades: Trades) -> bool:
    inputs = inputs_of(trades.features, trades.symbols)
    return any(_differs(values_of(trades, column, trades.symbols)) for column in inputs)


def _differs(values: Floats) -> bool:
    missing = np.isnan(values)
    if missing.any():
        return not missing.all()
    return bool(np.ptp(values) > 0)


def _refuse(trades: Trades, course: Course, assignment: Assignment) -> None:
    """Raises DataError for what only the owner of the trades can put right."""
    if not trades.features:
        raise DataError(
            "no_features",
            "The trades hold no numeric feature: store what the strategy knows when it decides"
            " in the trades' `features`, by name.",
        )
    course.params(len(trades))
    refuse_leaks(trades, assignment.allowed_features)


def _nothing_new(assignment: Assignment, fingerprint: str) -> bool:
    return not assignment.asked_for and fingerprint == assignment.last_fingerprint


def _served(
    exam: Exam,
    evidence: Evidence,
    assignment: Assignment,
    trades: Trades,
    course: Course,
    report: Report,
) -> tuple[Model, Trades, bool]:
    """The model for bots, the trades it was fitted on, and whether its last fit was set aside.

    What cannot go live stays as it was judged: nobody waits for its last fit.
    """
    if exam.seat is not None and not may_go_live(assignment, evidence):
        return exam.seat.model, exam.seat.fitted, False
    report("refitting")
    latest = rows_of(exam.election.memory, trades)
    refit = course.fit(latest, partial(report, "refitting"))
    if exam.seat is not None and exam.seat.disagrees(refit):
        return exam.seat.model, exam.seat.fitted, True
    return refit, latest, False
