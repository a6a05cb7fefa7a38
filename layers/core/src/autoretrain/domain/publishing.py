"""What publishing a challenger comes to, whichever books do it: the gate's rules of that moment,
and what is told of the model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from autoretrain.domain.gate import (
    ActivationMode,
    Comparison,
    Evidence,
    Rules,
    Verdict,
    judge,
)
from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment, Challenger
from autoretrain.domain.work import Published


@dataclass(frozen=True, slots=True)
class Terms:
    """What the strategy asks of the gate now: a person may have changed it during the training.

    `degraded` is what the sequential test says of the champion, never the ratio.
    """

    mode: ActivationMode
    max_age_days: float
    pinned_version: str | None = None
    pinned_since: datetime | None = None
    degraded: bool = False


def rules_for(assignment: Assignment, terms: Terms, now: datetime) -> Rules:
    """A champion is stale once it is older than the weekly condition lets a training be, or
    degraded."""
    champion, limit = assignment.champion, timedelta(days=terms.max_age_days)
    old = champion is not None and now - champion.created_at > limit
    return Rules(
        mode=terms.mode,
        manual=assignment.manual,
        champion_is_stale=old or terms.degraded,
        pinned_version=terms.pinned_version,
        pinned_since=terms.pinned_since,
    )


def may_go_live(assignment: Assignment, evidence: Evidence) -> bool:
    """Whether the gate may still let the model through, or keep it for a person's approval, as far
    as is known before its last fit; what a person has asked for always may."""
    asked_for = assignment.asked_for
    verdict = judge(evidence, Rules(assignment.activation_mode, asked_for, champion_is_stale=True))
    return asked_for or verdict.activate or verdict.awaiting_approval


def published_of(
    challenger: Challenger, verdict: Verdict, version: str, previous_version: str | None
) -> Published:
    evidence = verdict.evidence
    judged = evidence if isinstance(evidence, Comparison) else None
    return Published(
        outcome=verdict.outcome,
        line=verdict.line,
        version=version,
        activated=verdict.activate,
        previous_version=previous_version,
        accuracy=judged.challenger.accuracy if judged else None,
        improvement=judged.accuracy_improvement if judged else None,
        log_loss_improvement=judged.log_loss_improvement if judged else None,
        below_base_rate=verdict.below_base_rate,
        rows=challenger.rows,
    )


def performance_of(challenger: Challenger, verdict: Verdict) -> Json:
    """What `ml_model_performance` says of a model; accuracies are those of the judged rows."""
    evidence = challenger.evidence
    told: Json = {
        "training_samples": challenger.fitted_rows,
        "win_rate": challenger.win_rate,
        "judged_rows": evidence.rows,
        "decided_by": verdict.line,
        "below_base_rate": verdict.below_base_rate,
    }
    if not isinstance(evidence, Comparison):
        return told | {"accuracy": None, "roc_auc": None, "improvement": None}
    return told | {
        "accuracy": evidence.challenger.accuracy,
        "roc_auc": evidence.challenger.roc_auc,
        "improvement": evidence.accuracy_improvement,
        "log_loss": evidence.challenger.log_loss,
        "log_loss_improvement": evidence.log_loss_improvement,
        "brier": evidence.challenger.brier,
    }
