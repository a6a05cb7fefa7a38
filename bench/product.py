"""Plays the product's own replay for the comparison: its modes, its memories, other seeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from autoretrain.domain.gate import ActivationMode
from autoretrain.domain.models import Challenger, Lesson, Memory
from autoretrain_local.replay.log import Log
from autoretrain_local.replay.play import Played, play
from autoretrain_local.replay.settings import settings_of
from autoretrain_trainer import learner, recipe
from autoretrain_trainer.rows import to_microseconds

SHIPPED_SEED = recipe._SEED


@dataclass(frozen=True, slots=True)
class Product:
    """The shipped policy with another activation mode; `short` reads the short memory's rows only,
    so that no other memory can stand."""

    mode: ActivationMode
    short: bool = False

    def play(self, log: Log, seed: int) -> Played:
        with drawn_with(seed), self._memory():
            return play(log, settings_of({"activation_mode": self.mode.value}))

    @contextmanager
    def _memory(self) -> Iterator[None]:
        with ExitStack() as stack:
            if self.short:
                rows = recipe.SHORT_MEMORY_ROWS
                stack.enter_context(patch.object(learner, "LONG_MEMORY_ROWS", rows))
            yield


@contextmanager
def drawn_with(seed: int) -> Iterator[None]:
    """Another seed for what the recipe draws at random: which rows and columns a tree sees. The
    first, 0, is the shipped one."""
    with patch.object(recipe, "_SEED", SHIPPED_SEED + seed):
        yield


def elections(log: Log) -> list[tuple[int, Memory]]:
    """Which memory stood in each training of the shipped policy, and the largest `closed_at` that
    it knew, in microseconds since 2000-01-01 UTC."""
    stood = []
    learn = learner.LightGBMLearner.learn

    def listen(self: learner.LightGBMLearner, *asked: Any) -> Lesson:
        lesson = learn(self, *asked)
        if isinstance(lesson, Challenger):
            stood.append((to_microseconds(lesson.data_cutoff), lesson.election.memory))
        return lesson

    with patch.object(learner.LightGBMLearner, "learn", listen):
        play(log, settings_of({}))
    return stood


ALWAYS = {
    "always": Product(ActivationMode.ALWAYS),
    "short-always": Product(ActivationMode.ALWAYS, short=True),
}
"""Baselines that the product can play itself: no gate, and no gate and no long memory."""
