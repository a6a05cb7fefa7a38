"""A trainer with everything real but the store and the time."""

from __future__ import annotations

from datetime import datetime

from autoretrain.ports import Training
from autoretrain.services.train import Trainer
from autoretrain_trainer.learner import LightGBMLearner
from tests.fakes import FakeArtifacts, FakeClock


def learning_trainer(
    books: Training, artifacts: FakeArtifacts, now: datetime, reports: bool = True
) -> Trainer:
    return Trainer(
        books=books,
        pulse_books=books,
        learner=LightGBMLearner(books, artifacts, reports),
        artifacts=artifacts,
        clock=FakeClock(now),
        watch=lambda *_: None,
    )
