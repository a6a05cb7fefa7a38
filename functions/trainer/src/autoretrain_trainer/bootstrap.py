"""Puts the learner into the core's training service."""

from __future__ import annotations

from autoretrain.aws.artifacts import S3Artifacts
from autoretrain.bootstrap import database
from autoretrain.ports import ArtifactStore, Clock
from autoretrain.services.pulse import Watch
from autoretrain.services.train import Trainer
from autoretrain.settings import TrainerSettings
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.database import TRAINER, Database
from autoretrain.storage.training import TrainBooks
from autoretrain_trainer.learner import LightGBMLearner


def trainer(settings: TrainerSettings, watch: Watch, image: str | None = None) -> Trainer:
    """The trainer of this environment, on the database's own time."""
    working, pulse = (database(settings.database_secret_arn, TRAINER) for _ in range(2))
    artifacts = S3Artifacts(settings.model_bucket)
    return assemble(working, pulse, artifacts, DatabaseClock(working), watch, image)


def assemble(
    working: Database,
    pulse: Database,
    artifacts: ArtifactStore,
    clock: Clock,
    watch: Watch,
    image: str | None = None,
) -> Trainer:
    """Two connections: one that works, and one on which the lease is kept meanwhile."""
    books = TrainBooks(working, image)
    return Trainer(
        books=books,
        pulse_books=TrainBooks(pulse),
        learner=LightGBMLearner(books, artifacts),
        artifacts=artifacts,
        clock=clock,
        watch=watch,
    )
