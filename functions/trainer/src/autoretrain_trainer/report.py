"""Writes the report that lies beside a stored model: how it was judged, and what it leans on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from autoretrain.domain.gate import SIGNIFICANT_Z, Comparison, Evidence
from autoretrain.domain.json import Json, JsonValue
from autoretrain.domain.models import Artifact, Assignment
from autoretrain.domain.publishing import may_go_live
from autoretrain_trainer import curves
from autoretrain_trainer.exam import Exam, Sheet, against_base_rate
from autoretrain_trainer.filtering import filtering
from autoretrain_trainer.fit import Course, Model
from autoretrain_trainer.metrics import log_loss, losses, paired_z
from autoretrain_trainer.rows import Floats, Trades
from autoretrain_trainer.weights import contributions

FORMAT = 1
EXPLAINED_ROWS = 1_000
MOST_FEATURES = 100
_FROM_MANIFEST = (
    "strategy_id",
    "run_id",
    "rows",
    "data_from",
    "data_cutoff",
    "win_rate",
    "recipe",
    "lightgbm",
    "feature_weights",
    "memory",
)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One training whose model has been fitted and judged; `made` is that model as it is stored."""

    assignment: Assignment
    trades: Trades
    course: Course
    exam: Exam
    evidence: Evidence
    model: Model
    made: Artifact

    @property
    def explained(self) -> bool:
        """Whether the model may go live, or a person has asked for the training: explaining takes
        time, which one that stays in the drawer is not worth."""
        return may_go_live(self.assignment, self.evidence)


def write(case: Case) -> bytes:
    """The report as JSON. No training fails for it: what goes wrong is what it says then."""
    about: Json = {"format": FORMAT}
    about |= {name: case.made.manifest[name] for name in _FROM_MANIFEST}
    try:
        return _bytes(about | _report(case) | {"failed": None})
    except Exception as exc:
        return _bytes(about | {"failed": f"{type(exc).__name__}: {exc}"})


def _report(case: Case) -> Json:
    filtered = filtering(case.trades, case.model)
    return {
        "evidence": _evidence(case.evidence),
        "judged": _judged(case.exam.sheet, case.evidence) if case.exam.sheet else None,
        "filtering": filtered.to_json(),
        "warnings": [filtered.line] if filtered.found else [],
        "importance": _importance(case) if case.explained else None,
        "weights": _weights(case, case.exam.sheet) if case.explained and case.exam.sheet else None,
    }


def _evidence(evidence: Evidence) -> Json:
    if not isinstance(evidence, Comparison):
        return {"rival": evidence.rival, "rows": evidence.rows, "needed": evidence.needed}
    return {
        "rival": evidence.rival,
        "rows": evidence.rows,
        "judged_from": evidence.judged_from.isoformat(),
        "judged_until": evidence.judged_until.isoformat(),
        "rows_reused": evidence.rows_reused,
        "z": evidence.z,
        "p_better": evidence.p_better,
        "enough": abs(evidence.z) >= SIGNIFICANT_Z,
        "log_loss_improvement": evidence.log_loss_improvement,
        "challenger": asdict(evidence.challenger),
        "champion": None if evidence.first_model else asdict(evidence.champion),
        "base_rate": asdict(evidence.base_rate),
    }


def _judged(sheet: Sheet, evidence: Evidence) -> Json:
    """Curves and bins of everybody who was asked; the base rate says the same of all trades."""
    wins = sheet.judged.wins
    told = {"challenger": sheet.challenger}
    if isinstance(evidence, Comparison) and not evidence.first_model:
        told["champion"] = sheet.rival
    return {
        "wins": wins,
        "losses": len(sheet.judged) - wins,
        "enough_rows": curves.MIN_ROWS,
        "enough": min(wins, len(sheet.judged) - wins) >= curves.MIN_ROWS,
        **{whose: _drawn(sheet.judged, probability) for whose, probability in told.items()},
    }


def _drawn(judged: Trades, probability: Floats) -> Json:
    return {
        "roc": curves.roc(judged.win, probability),
        "precision_recall": curves.precision_recall(judged.win, probability),
        "reliability": curves.reliability(judged.win, probability),
        "pnl": curves.pnl(judged, probability),
    }


def _importance(case: Case) -> Json:
    """The mean |SHAP value| of every input; the gain of its splits would be distorted by weights.

    Lundberg et al., Nature Machine Intelligence 2 (2020) 56.
    """
    judged = case.exam.sheet.judged if case.exam.sheet else case.trades
    asked = judged.newest(EXPLAINED_ROWS)
    mean = np.abs(case.model.contributions(asked)).mean(axis=0)
    first = np.argsort(-mean, kind="stable")[:MOST_FEATURES]
    listed: list[JsonValue] = [
        case.model.inputs[place].to_json() | {"log_odds": round(float(mean[place]), 6)}
        for place in first
    ]
    return {
        "rows": len(asked),
        "judged": case.exam.sheet is not None,
        "inputs": len(mean),
        "highest": listed,
    }


def _weights(case: Case, sheet: Sheet) -> Json | None:
    """What the feature weights are worth: the same training without them, on the same rows."""
    if contributions(case.course.weights, case.course.inputs) is None:
        return None
    uniform = _asked_again(case, replace(case.course, weights={}))
    win = sheet.judged.win
    weighted, plain = log_loss(win, sheet.challenger), log_loss(win, uniform)
    z = paired_z(losses(win, uniform), losses(win, sheet.challenger))
    return {
        "log_loss": weighted,
        "uniform_log_loss": plain,
        "log_loss_improvement": plain - weighted,
        "z": z,
        "enough": abs(z) >= SIGNIFICANT_Z,
    }


def _asked_again(case: Case, course: Course) -> Floats:
    """What another course would have said of the judged trades."""
    seat = case.exam.seat
    if seat is not None:
        unheard = partial(_unheard, "reporting")
        return course.fit(seat.fitted, unheard).predict(seat.judged)
    again = against_base_rate(case.trades, course, lambda _: case.exam.election, _unheard)
    if again.sheet is None:
        raise TypeError("a first model is always judged")
    return again.sheet.challenger


def _unheard(phase: str, round: int = 0, rounds: int = 0) -> None:
    """Nobody waits for this long enough to be told of it, and it must end nothing."""


def _bytes(report: Json) -> bytes:
    return json.dumps(report, sort_keys=True, allow_nan=False).encode()
