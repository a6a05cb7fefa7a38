"""Tells what was played: as JSON, as the CSV of predictions, and as a table for people."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from autoretrain.domain.json import Json, JsonValue
from autoretrain_local.replay.log import Log
from autoretrain_local.replay.play import Played, Training, Variant
from autoretrain_local.replay.scoring import (
    QUANTILE_TRADES,
    TAKEN_SHARE,
    WARM_UP_TRADES,
    Scores,
    score,
)
from autoretrain_local.replay.serving import NO_MODEL
from autoretrain_trainer.rows import to_datetime

COLUMNS = ("trade_id", "decided_at", "p", "model_version")
_WIDTH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One strategy's log, and every variant that was played over it."""

    log: Log
    played: Mapping[Variant, Played]

    @property
    def policy(self) -> Played:
        return self.played[Variant.POLICY]

    def scores(self, variant: Variant) -> Scores:
        return score(self.log, self.played[variant].said)


def to_json(result: Result) -> Json:
    """Every figure by name, and every decision that trained."""
    log = result.log
    figures: Json = {str(variant): _figures(result, variant) for variant in result.played}
    return {
        "strategy": log.strategy,
        "trades": len(log),
        "closed": int(log.usable.sum()),
        **figures,
        "decisions": [_decision(training) for training in result.policy.trainings],
    }


def _figures(result: Result, variant: Variant) -> Json:
    played = result.played[variant]
    return {
        "trainings": len(played.trainings),
        "trainings_by_condition": _counted(one.condition for one in played.trainings),
        "trainings_by_verdict": _counted(one.outcome for one in played.trainings),
        "activations": len(played.activations),
        "paused_at": played.paused_at.isoformat() if played.paused_at else None,
        **result.scores(variant).to_json(),
        "cpu_seconds": round(played.cpu_seconds, 3),
    }


def _counted(names: Iterable[str]) -> JsonValue:
    return dict(sorted(Counter(names).items()))


def _decision(training: Training) -> Json:
    return {
        "at": training.at.isoformat(),
        "condition": training.condition,
        "reason": training.reason,
        "outcome": training.outcome,
        "line": training.line,
        "model_version": training.version,
        "activated": training.activated,
        "seconds": round(training.seconds, 3),
    }


def write_predictions(results: Sequence[Result], file: TextIO) -> None:
    """One row per trade, in the order of the decisions; an empty version where bots had none."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in results:
        log, said = result.log, result.policy.said
        for row, trade_id in enumerate(log.trade_ids):
            version = said.version[row]
            writer.writerow(
                (
                    trade_id,
                    to_datetime(log.decided_at[row]).isoformat().replace("+00:00", "Z"),
                    repr(float(said.probability[row])),
                    "" if version == NO_MODEL else said.versions[version],
                )
            )


def lines(result: Result) -> Iterator[str]:
    """The table for people; without figures, and with the reason, where no trade is scored."""
    played = list(result.played.values())
    scores = [result.scores(variant) for variant in result.played]
    scored = scores[0].scored
    yield _title(result.log, scored)
    if scored or any(one.trainings for one in played):
        yield _row("", [str(variant).replace("_", " ") for variant in result.played])
        yield from _trainings(played)
    if scored:
        yield from _worth(scores, played)
    yield from _pauses(played)


def _title(log: Log, scored: int) -> str:
    known = f"{log.strategy or 'all trades'}: {len(log):,} trades, {int(log.usable.sum()):,} closed"
    if scored:
        return f"{known}, {scored:,} scored (decided after the first {WARM_UP_TRADES} had closed)"
    return (
        f"{known}: nothing is scored, because no closed trade was decided after the first"
        f" {WARM_UP_TRADES} had closed"
    )


def _worth(scores: Sequence[Scores], played: Sequence[Played]) -> Iterator[str]:
    rows: dict[str, list[str]] = {
        "accuracy": [_told(one.accuracy, ".4f") for one in scores],
        "ROC-AUC": [_told(one.roc_auc, ".4f") for one in scores],
        "Brier": [_told(one.brier, ".4f") for one in scores],
        "log-loss": [_told(one.log_loss, ".4f") for one in scores],
        "P&L per trade": [_told(one.pnl_pct, "+.3f", " %") for one in scores],
        f"P&L of the best {TAKEN_SHARE:.0%}": [
            _told(one.taken_pnl_pct, "+.3f", " %") for one in scores
        ],
        "  trades taken": [_told(one.taken_share, ".1%") for one in scores],
        "served by a model": [_told(one.served_share, ".1%") for one in scores],
        "CPU seconds": [f"{one.cpu_seconds:.1f}" for one in played],
    }
    yield from (_row(name, cells) for name, cells in rows.items())
    yield (
        f"best {TAKEN_SHARE:.0%}: served with a p above the {1 - TAKEN_SHARE:.0%} quantile of the"
        f" {QUANTILE_TRADES} told before it"
    )


def _pauses(played: Sequence[Played]) -> Iterator[str]:
    for one in played:
        if one.paused_at is not None:
            yield (
                f"{one.variant}: paused on {one.paused_at:%Y-%m-%d %H:%M} UTC after failed"
                f" trainings; the last one: {one.trainings[-1].line}"
            )


def _trainings(played: Sequence[Played]) -> Iterator[str]:
    yield _row("trainings", [f"{len(one.trainings):,}" for one in played])
    for name in ("condition", "outcome"):
        counts = [Counter(getattr(training, name) for training in one.trainings) for one in played]
        for value in sorted(set().union(*counts)):
            yield _row(f"  {value}", [f"{count[value]:,}" for count in counts])
    yield _row("activations", [f"{len(one.activations):,}" for one in played])


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:<26}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells)


def _told(value: float | None, form: str, unit: str = "") -> str:
    return "–" if value is None else f"{value:{form}}{unit}"
