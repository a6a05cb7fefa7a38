"""The two rules that tell degradation, side by side: the documented ratio, and the sequential test
whose false alarms are bounded. The strategy says which of them is in force."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from autoretrain.domain.degradation import ALARM, GUARANTEE, examine
from autoretrain.domain.json import Json
from autoretrain.domain.models import Policy, RecentTrades, Snapshot

RATIO, CALIBRATED = "ratio", "calibrated"

UNFAIR_DIFFERENCE = 0.10
ROUNDING = 1e-9
"""Two figures that differ by less are equal: 0.9 × 0.8 is not exactly 0.72 in floats."""

STORE_BOTH = "store model_version and win_probability with each trade"


@dataclass(frozen=True, slots=True)
class Told:
    """What one rule says: whether it fired, in words and in figures."""

    rule: str
    fired: bool
    line: str
    figures: Json


@dataclass(frozen=True, slots=True)
class BothRules:
    """The rule in force, and the other, which is computed and shown all the same."""

    in_force: Told
    other: Told

    @property
    def line(self) -> str:
        would = " would fire" if self.other.fired else ""
        return f"{self.in_force.line} | not in force: {self.other.rule}{would}: {self.other.line}"

    @property
    def figures(self) -> Json:
        told = {
            one.rule: one.figures | {"fired": one.fired, "line": one.line}
            for one in (self.in_force, self.other)
        }
        return {"rule": self.in_force.rule, **told}


def both_rules(snapshot: Snapshot, policy: Policy) -> BothRules:
    """Neither fires without an active model, or below the strategy's minimum of trades."""
    told = [_ratio(snapshot, policy), _calibrated(snapshot, policy)]
    told.sort(key=lambda one: one.rule != policy.degradation_rule)
    return BothRules(*told)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The two sides of the ratio, and what they are."""

    quantity: str
    observed: float
    expected: float
    trades: int
    note: str = ""


def _ratio(snapshot: Snapshot, policy: Policy) -> Told:
    """The documented rule: observed below `degradation_ratio` of expected."""
    if snapshot.model_version is None:
        return Told(RATIO, False, "no active model to degrade", {"trades": 0})
    recent, least = snapshot.recent, policy.degradation_min_trades
    if recent.count < least:
        line = f"not enough evidence ({recent.count} of {least})"
        return Told(RATIO, False, line, {"trades": recent.count, "min_trades": least})
    compared = _like_with_like(recent, least) or _win_rate(snapshot)
    if compared is None:
        line = "the active model's performance has no accuracy to compare with"
        return Told(RATIO, False, line, {"trades": recent.count})
    floor = policy.degradation_ratio * compared.expected
    below = floor - compared.observed > ROUNDING
    verdict = "is below" if below else "is not below"
    line = (
        f"{compared.quantity} {compared.observed:.1%} over the last {compared.trades} trades"
        f" {verdict} {floor:.1%} ({policy.degradation_ratio:.0%} of expected"
        f" {compared.expected:.1%}){compared.note}"
    )
    figures: Json = {
        "quantity": compared.quantity,
        "observed": compared.observed,
        "expected": compared.expected,
        "threshold": policy.degradation_ratio,
        "trades": compared.trades,
        "comparable": not compared.note,
    }
    return Told(RATIO, snapshot.has_enough_trades(policy) and below, line, figures)


def _like_with_like(recent: RecentTrades, least: int) -> _Comparison | None:
    """Accuracy against the model's own confidence, on the same trades, where bots report both."""
    confidence = recent.mean_confidence
    if recent.predicted < least or confidence is None or not math.isfinite(confidence):
        return None
    observed = recent.correct / recent.predicted
    return _Comparison("accuracy", observed, confidence, recent.predicted)


def _win_rate(snapshot: Snapshot) -> _Comparison | None:
    """Win rate against accuracy: what the documentation promised, fair only where they agree."""
    expected = snapshot.expected_accuracy
    if expected is None:
        return None
    observed = snapshot.recent.wins / snapshot.recent.count
    base = snapshot.expected_win_rate
    unfair = base is not None and abs(expected - base) - UNFAIR_DIFFERENCE > ROUNDING
    note = ""
    if unfair:
        note = (
            f"; not a fair comparison: accuracy {expected:.1%} and the model's win rate {base:.1%}"
            f" differ; {STORE_BOTH} to compare accuracy with accuracy"
        )
    return _Comparison("win rate", observed, expected, snapshot.recent.count, note)


def _calibrated(snapshot: Snapshot, policy: Policy) -> Told:
    """The sequential test, and only on accuracy: a win rate tells of the market, not of the model.

    It goes on after a training that left the champion in place, so it asks for new trades before
    it calls for another one.
    """
    if snapshot.model_version is None:
        return Told(CALIBRATED, False, "no active model to degrade", {"trades": 0})
    least, found = policy.degradation_min_trades, examine(snapshot.record)
    degraded = found.degraded_over(least)
    figures: Json = {
        "quantity": "accuracy",
        "observed": found.observed,
        "expected": found.expected,
        "trades": found.trades,
        "judged_trades": found.judged,
        "evidence": found.evidence,
        "threshold": ALARM,
        "degraded": degraded,
    }
    lacks = next(_lacks(snapshot, least, found.trades), None)
    if lacks is not None:
        return Told(CALIBRATED, False, lacks, figures)
    waits = degraded and snapshot.new_trades < least
    fired = degraded and not waits and snapshot.has_enough_trades(policy)
    line = (
        f"accuracy {found.observed:.1%} over the {found.trades} trades since its activation,"
        f" expected {found.expected:.1%} from {found.judged} judged trades: "
        f"{'degraded' if degraded else 'not shown to be degraded'}, evidence"
        f" {found.evidence:.1f} of {ALARM:.0f} ({GUARANTEE})"
    )
    if waits:
        line += f"; {snapshot.new_trades} of {least} trades since the last training"
    return Told(CALIBRATED, fired, line, figures)


def _lacks(snapshot: Snapshot, least: int, compared: int) -> Iterator[str]:
    """What the test misses, the most telling first."""
    if not snapshot.record.live and snapshot.recent.count >= least:
        yield f"not comparable: {STORE_BOTH}"
    if not snapshot.record.judged:
        yield "not comparable: the active model was not judged"
    if compared < least:
        yield f"not enough evidence ({compared} of {least})"
