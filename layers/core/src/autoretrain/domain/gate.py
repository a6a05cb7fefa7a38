"""Whether a challenger goes live, from figures on trades that neither model has seen."""

from __future__ import annotations

import math
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from statistics import NormalDist

from autoretrain.domain.degradation import Calls
from autoretrain.domain.json import Json

MIN_JUDGED_ROWS = 20
SIGNIFICANT_Z = 1.645
"""One-sided 5 %: a challenger below minus this is worse beyond reasonable doubt."""


class ActivationMode(StrEnum):
    """What a strategy asks of a challenger before it goes live."""

    IF_BETTER = "if_better"
    IF_NOT_WORSE = "if_not_worse"
    APPROVE = "approve"
    ALWAYS = "always"


class Outcome(StrEnum):
    """What a finished training concluded."""

    BETTER = "better"
    NOT_BETTER = "not_better"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"
    NOT_JUDGED = "not_judged"
    INSUFFICIENT_DATA = "insufficient_data"
    NOTHING_NEW = "nothing_new"


@dataclass(frozen=True, slots=True)
class Score:
    """How one set of probabilities did on the judged rows.

    `roc_auc` is None where the rows have one class; `pnl_pct` is the mean result in percent of
    the executed trades that it would take (p above the base rate), None where it takes none.
    """

    log_loss: float
    accuracy: float
    roc_auc: float | None
    brier: float
    pnl_pct: float | None
    taken: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Challenger and rival on the same judged rows; a first model's rival is the base rate.

    `z` is the mean paired log-loss difference, rival minus challenger, over its standard error:
    above zero the challenger is better. The judged rows were decided in [`judged_from`,
    `judged_until`]. `rows_reused` counts judged rows that earlier verdicts
    against the same rival have already used. `calls` is how often the challenger called each
    tenth of win probability right: what its live trades are expected to repeat.
    """

    rival: str
    rows: int
    challenger: Score
    champion: Score
    base_rate: Score
    z: float
    judged_from: datetime
    judged_until: datetime
    rows_reused: int = 0
    calls: tuple[Calls, ...] = ()

    @property
    def log_loss_improvement(self) -> float:
        """What decides: positive when the challenger's mean log-loss is lower."""
        return self.champion.log_loss - self.challenger.log_loss

    @property
    def accuracy_improvement(self) -> float:
        """Challenger minus rival on the same rows; may be negative where log-loss improved."""
        return self.challenger.accuracy - self.champion.accuracy

    @property
    def p_better(self) -> float:
        """Chance that the challenger is the better one, by the normal approximation of `z`."""
        return NormalDist().cdf(self.z)

    @property
    def first_model(self) -> bool:
        return self.rival == BASE_RATE

    def is_finite(self) -> bool:
        """Whether every figure is a number: NaN would beat anything in a database's ordering."""
        figures = [self.z]
        for score in (self.challenger, self.champion, self.base_rate):
            figures += [value for value in asdict(score).values() if value is not None]
        return all(math.isfinite(figure) for figure in figures)


BASE_RATE = "base rate"


@dataclass(frozen=True, slots=True)
class TooFewRows:
    """There is a champion, but not enough trades that neither model has seen."""

    rival: str
    rows: int
    needed: int = MIN_JUDGED_ROWS


Evidence = Comparison | TooFewRows


@dataclass(frozen=True, slots=True)
class Rules:
    """What the strategy and the caller ask of the gate at the moment of publishing."""

    mode: ActivationMode = ActivationMode.IF_BETTER
    manual: bool = False
    champion_is_stale: bool = False
    pinned_version: str | None = None
    pinned_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate concluded; `line` says it to people."""

    outcome: Outcome
    activate: bool
    awaiting_approval: bool
    below_base_rate: bool
    line: str
    evidence: Evidence

    def to_json(self) -> Json:
        """The verdict as it is stored: every figure, by name."""
        figures: Json = {
            name: getattr(self, name)
            for name in ("activate", "awaiting_approval", "below_base_rate", "line")
        }
        figures["outcome"] = self.outcome.value
        figures["rival"] = self.evidence.rival
        figures["judged_rows"] = self.evidence.rows
        if isinstance(self.evidence, Comparison):
            figures |= {
                "z": self.evidence.z,
                "p_better": self.evidence.p_better,
                "log_loss_improvement": self.evidence.log_loss_improvement,
                "judged_from": self.evidence.judged_from.isoformat(),
                "judged_until": self.evidence.judged_until.isoformat(),
                "rows_reused": self.evidence.rows_reused,
                "calls": [list(astuple(calls)) for calls in self.evidence.calls],
                "challenger": _score_json(self.evidence.challenger),
                "champion": _score_json(self.evidence.champion),
                "base_rate": _score_json(self.evidence.base_rate),
            }
        else:
            figures["needed_rows"] = self.evidence.needed
        return figures


def judge(evidence: Evidence, rules: Rules) -> Verdict:
    """Apply the strategy's activation mode; a person outranks it, a pin outranks everybody."""
    wanted = _wanted(evidence, rules)
    outcome = _outcome(evidence, wanted)
    waits = wanted and rules.mode is ActivationMode.APPROVE and not rules.manual
    pinned = rules.pinned_version is not None
    activate = wanted and not waits and not pinned
    return Verdict(
        outcome=outcome,
        activate=activate,
        awaiting_approval=waits and not pinned,
        below_base_rate=_below_base_rate(evidence),
        line=_line(evidence) + _why_all_the_same(outcome, activate, rules) + _pin(rules),
        evidence=evidence,
    )


def _outcome(evidence: Evidence, wanted: bool) -> Outcome:
    if isinstance(evidence, TooFewRows):
        return Outcome.NOT_JUDGED if wanted else Outcome.NOT_ENOUGH_EVIDENCE
    return Outcome.BETTER if evidence.log_loss_improvement > 0 else Outcome.NOT_BETTER


def _why_all_the_same(outcome: Outcome, activate: bool, rules: Rules) -> str:
    """Which rule puts a model live that was not found better."""
    if not activate or outcome is Outcome.BETTER:
        return ""
    if rules.mode is ActivationMode.ALWAYS:
        return "; activated because activation_mode is always"
    if rules.manual:
        return "; activated because a person asked for it"
    return "; activated because the champion is old or degraded, this one not significantly worse"


def _pin(rules: Rules) -> str:
    if rules.pinned_version is None or rules.pinned_since is None:
        return ""
    since = rules.pinned_since.astimezone(UTC)
    return f"; pinned by hand to {rules.pinned_version} since {since:%Y-%m-%d}"


def _wanted(evidence: Evidence, rules: Rules) -> bool:
    if rules.mode is ActivationMode.ALWAYS:
        return True
    if isinstance(evidence, TooFewRows):
        return rules.manual
    lenient = rules.manual or (
        rules.mode is ActivationMode.IF_NOT_WORSE and rules.champion_is_stale
    )
    if lenient and not evidence.first_model:
        return evidence.z >= -SIGNIFICANT_Z
    return evidence.log_loss_improvement > 0


def _below_base_rate(evidence: Evidence) -> bool:
    return (
        isinstance(evidence, Comparison)
        and evidence.challenger.log_loss >= evidence.base_rate.log_loss
    )


def _line(evidence: Evidence) -> str:
    if isinstance(evidence, TooFewRows):
        return f"{evidence.rows} of {evidence.needed} trades that neither model has seen"
    rival = " (base rate)" if evidence.first_model else ""
    return (
        f"log-loss {evidence.champion.log_loss:.3f}{rival} → {evidence.challenger.log_loss:.3f}"
        f" on {evidence.rows} trades, P(better) {evidence.p_better:.2f}"
    )


def _score_json(score: Score) -> Json:
    return {item.name: getattr(score, item.name) for item in fields(score)}
