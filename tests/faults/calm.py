"""The end of every game: nothing breaks any more, and no run may be left behind."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

from autoretrain.services.train import Finished, Trainer
from autoretrain.storage.training import TrainBooks
from tests.fakes import FakeArtifacts, FakeLearner
from tests.faults.cluster import Cluster, Task
from tests.faults.play import Play

ROUNDS = 6


def calm_down(play: Play) -> None:
    """All that is alive dies unheard, and the hours go on until every run has ended."""
    play.cluster = Cluster()
    play.mail.events.clear()
    for _ in range(ROUNDS):
        play.pass_by(timedelta(hours=1))
        play.tick()
        while play.mail.events:
            play.check(play.mail.events.pop())
        for task in play.cluster.living:
            _work_by_itself(play, task)
        play.look()
        if not any(run.lives for run in play.books.runs):
            return
    raise AssertionError("a run was left behind")


def _work_by_itself(play: Play, task: Task) -> None:
    """The whole trainer, with its heartbeat in a thread."""
    trainer = Trainer(
        books=play.books_of(task),
        pulse_books=TrainBooks(play.bench.pulse),
        learner=FakeLearner(),
        artifacts=FakeArtifacts(),
        clock=play.clock,
        watch=lambda assignment, progress: None,
    )
    events = list(trainer.work(task.started_for.run_id, task.arn, Event()))
    ended = sum(isinstance(event, Finished) for event in events)
    play.seen["trainings by the whole trainer"] += ended
    task.stop()
