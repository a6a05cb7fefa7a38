"""What a training makes of trades, with everything real but the store and the books."""

from __future__ import annotations

import json
from collections.abc import Sequence

from autoretrain.domain.gate import Comparison
from autoretrain.domain.models import Assignment, Challenger, Declined, Lesson
from autoretrain_trainer.learner import LightGBMLearner
from tests.unit.trainer.trade_stream import (
    AS_OF,
    FakeArtifacts,
    FakeBooks,
    Reports,
    Trade,
    assignment,
    market,
)


def learn(
    trades: Sequence[Trade],
    task: Assignment | None = None,
    artifacts: FakeArtifacts | None = None,
    report: Reports | None = None,
) -> Lesson:
    learner = LightGBMLearner(FakeBooks(trades), artifacts or FakeArtifacts())
    return learner.learn(task or assignment(), AS_OF, report or Reports())


def taught(
    trades: Sequence[Trade],
    task: Assignment | None = None,
    artifacts: FakeArtifacts | None = None,
) -> Challenger:
    lesson = learn(trades, task, artifacts)
    assert isinstance(lesson, Challenger)
    return lesson


def declined(trades: Sequence[Trade], task: Assignment | None = None) -> Declined:
    lesson = learn(trades, task)
    assert isinstance(lesson, Declined)
    return lesson


def compared(challenger: Challenger) -> Comparison:
    assert isinstance(challenger.evidence, Comparison)
    return challenger.evidence


def fitted_rows(challenger: Challenger) -> int:
    """As the manifest has it."""
    rows: dict[str, int] = json.loads(challenger.served.manifest_text)["rows"]
    return rows["fitted"]


def unheard(round: int, rounds: int) -> None:
    """Progress that nobody listens to."""


def later(rows: int, signal: float = 1.0) -> list[Trade]:
    """The champion's 200 trades and `rows` more."""
    return [*market(200), *market(rows, signal, seed=2, first=220)]
