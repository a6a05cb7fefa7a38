"""Puts the learner into the core's training service."""

from __future__ import annotations

from autoretrain.aws.artifacts import S3Artifacts
from autoretrain.bootstrap import database
from autoretrain.services.train import Trainer, Watch
from autoretrain.settings import TrainerSettings
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.database import TRAINER
from autoretrain.storage.training import TrainBooks
from autoretrain_trainer.learner import LightGBMLearner


def trainer(settings: TrainerSettings, watch: Watch) -> Trainer:
    """Two connections: one that works, and one on which the lease is kept meanwhile."""
    working = database(settings.database_secret_arn, TRAINER)
    books = TrainBooks(working)
    artifacts = S3Artifacts(settings.model_bucket)
    return Trainer(
        books=books,
        pulse_books=TrainBooks(database(settings.database_secret_arn, TRAINER)),
        learner=LightGBMLearner(books, artifacts),
        artifacts=artifacts,
        clock=DatabaseClock(working),
        watch=watch,
    )
