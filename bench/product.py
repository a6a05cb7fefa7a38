"""Plays the product's own replay for the comparison: its modes, its memories, other seeds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from autoretrain.domain.gate import ActivationMode
from autoretrain.domain.models import Assignment, Challenger, Lesson, Memory
from autoretrain.ports import Learner, Report
from autoretrain_local.replay.books import ReplayBooks
from autoretrain_local.replay.log import Log
from autoretrain_local.replay.play import SHIPPED, Played, play
from autoretrain_local.replay.settings import settings_of
from autoretrain_local.replay.simulated import Shelf
from autoretrain_trainer.learner import LightGBMLearner
from autoretrain_trainer.recipe import LONG_MEMORY_ROWS, SEED, SHORT_MEMORY_ROWS
from autoretrain_trainer.rows import to_microseconds


@dataclass(frozen=True, slots=True)
class Product:
    """The shipped policy with another activation mode, reading the `newest` trades: no more than
    the short memory holds, and no other can stand. Seed 0 is the shipped one."""

    mode: ActivationMode
    newest: int = LONG_MEMORY_ROWS

    def play(self, log: Log, seed: int) -> Played:
        learner = partial(LightGBMLearner, reports=False, newest=self.newest, seed=SEED + seed)
        settings = settings_of({"activation_mode": self.mode.value})
        return play(log, settings, make_learner=learner)


@dataclass(frozen=True, slots=True)
class Listening:
    """Learns as the one inside does, and notes which memory stood."""

    learner: Learner
    stood: list[tuple[int, Memory]]

    def learn(self, assignment: Assignment, as_of: datetime, report: Report) -> Lesson:
        lesson = self.learner.learn(assignment, as_of, report)
        if isinstance(lesson, Challenger):
            self.stood.append((to_microseconds(lesson.data_cutoff), lesson.election.memory))
        return lesson


def elections(log: Log) -> list[tuple[int, Memory]]:
    """Which memory stood in each training of the shipped policy, and the largest `closed_at` that
    it knew, in microseconds since 2000-01-01 UTC."""
    stood: list[tuple[int, Memory]] = []

    def listening(books: ReplayBooks, shelf: Shelf) -> Learner:
        return Listening(SHIPPED(books, shelf), stood)

    play(log, settings_of({}), make_learner=listening)
    return stood


ALWAYS = {
    "always": Product(ActivationMode.ALWAYS),
    "short-always": Product(ActivationMode.ALWAYS, newest=SHORT_MEMORY_ROWS),
}
"""Baselines that the product can play itself: no gate, and no gate and no long memory."""
