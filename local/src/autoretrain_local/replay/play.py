"""Plays the hours of a log: check, train where a condition fires, serve what is live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

import numpy as np

from autoretrain.domain.conditions import Decision, decide
from autoretrain.domain.gate import ActivationMode
from autoretrain.errors import InternalError
from autoretrain.ports import Learner
from autoretrain.services.train import Failed, Finished, Trainer
from autoretrain_local.replay.books import ReplayBooks
from autoretrain_local.replay.log import NEVER, Log
from autoretrain_local.replay.serving import Said, Serving
from autoretrain_local.replay.settings import Settings
from autoretrain_local.replay.simulated import Shelf, SimulatedClock, SlowLearner
from autoretrain_trainer.learner import LightGBMLearner
from autoretrain_trainer.rows import to_datetime, to_microseconds

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_DAY = 86_400 * _SECOND

Tell = Callable[[int], object]
"""Hears how many more trades have been decided."""

MakeLearner = Callable[[ReplayBooks, Shelf], Learner]
"""Makes the learner that reads these books, and that shelf of models."""

SHIPPED: MakeLearner = partial(LightGBMLearner, reports=False)


class Variant(StrEnum):
    """What is played: the policy as it is, or what it is compared with."""

    POLICY = "policy"
    NEVER_RETRAIN = "never_retrain"
    ALWAYS_RETRAIN = "always_retrain"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the policy is checked, and how long a training takes."""

    tick_minutes: int = 60
    training_minutes: float = 0.0
    every_tick: bool = False
    """Also look at ticks at which nothing can have changed: the same, and slower."""


@dataclass(frozen=True, slots=True)
class Training:
    """A training that the policy started. `version` is None where it made no model."""

    at: datetime
    condition: str
    reason: str
    outcome: str
    line: str
    version: str | None
    activated: bool
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What a variant did and what bots were told; `paused_at` is when failures ended it."""

    variant: Variant
    said: Said
    trainings: list[Training]
    paused_at: datetime | None
    cpu_seconds: float

    @property
    def activations(self) -> list[Training]:
        return [training for training in self.trainings if training.activated]


def play(
    log: Log,
    settings: Settings,
    variant: Variant = Variant.POLICY,
    pace: Pace = Pace(),
    tell: Tell = lambda _: None,
    make_learner: MakeLearner = SHIPPED,
) -> Played:
    """Play the log from its first hour to its last decision."""
    begun = time.process_time()
    if variant is Variant.ALWAYS_RETRAIN:
        settings = replace(settings, activation_mode=ActivationMode.ALWAYS)
    player, told = _Player.of(log, settings, pace, make_learner), 0
    for moment in player.hours():
        player.tick(moment)
        decided = log.decided_by(moment)
        tell(decided - told)
        told = decided
        if variant is Variant.NEVER_RETRAIN and player.books.champion is not None:
            break
    said = player.serving.finish()
    tell(len(log) - told)
    spent = time.process_time() - begun
    return Played(variant, said, player.trainings, player.books.paused_at, spent)


@dataclass
class _Player:
    """One pass over a log. Moments are microseconds since 2000-01-01 UTC."""

    log: Log
    pace: Pace
    books: ReplayBooks
    serving: Serving
    trainer: Trainer
    trainings: list[Training] = field(default_factory=list)

    @classmethod
    def of(cls, log: Log, settings: Settings, pace: Pace, make_learner: MakeLearner) -> _Player:
        clock, shelf = SimulatedClock(to_datetime(0)), Shelf()
        serving = Serving(log, settings.model_max_age_days)
        books = ReplayBooks(log, settings, clock, shelf, serving)
        learner = SlowLearner(
            make_learner(books, shelf), clock, timedelta(minutes=pace.training_minutes)
        )
        trainer = Trainer(books, books, learner, shelf, clock, lambda *_: None)
        return cls(log, pace, books, serving, trainer)

    def hours(self) -> Iterator[int]:
        """The ticks at which something can have changed, up to the last decision: a model that
        goes live later serves nobody."""
        if not len(self.log.closings):
            return
        last = int(self.log.decided_at[-1])
        moment = self._tick_from(int(self.log.closings[0]))
        while moment < last and self.books.paused_at is None:
            trained = len(self.trainings)
            yield moment
            following = self._tick_from(max(moment + 1, to_microseconds(self.books.clock.now())))
            if self.pace.every_tick or len(self.trainings) > trained:
                moment = following
            else:
                moment = max(following, self._tick_from(self._next_change(moment)))

    def tick(self, moment: int) -> None:
        """Check the conditions as of then, and train where one fires."""
        self.books.clock.time = to_datetime(moment)
        self.serving.ask_until(moment)
        snapshot = self.books.snapshot()
        decision = decide(snapshot, snapshot.policy)
        if decision.should_retrain and not self.books.resting:
            self.trainings.append(self._train(decision))

    def _train(self, decision: Decision) -> Training:
        run_id = self.books.claim(decision.reason)
        *_, ended = self.trainer.work(run_id, None, threading.Event())
        told = Training(decision.as_of, decision.outcome, decision.reason, "", "", None, False, 0.0)
        if isinstance(ended, Finished):
            published = ended.published
            return replace(
                told,
                outcome=str(published.outcome),
                line=published.line,
                version=published.version,
                activated=published.activated,
                seconds=ended.seconds,
            )
        if isinstance(ended, Failed) and ended.cause is None:
            return replace(told, outcome=f"failed: {ended.code}", line=ended.message)
        raise InternalError(f"a replayed training broke: {ended}") from getattr(
            ended, "cause", None
        )

    def _next_change(self, moment: int) -> int:
        """The first moment after this one from which a check may say something else: trades have
        closed, the last training has aged enough, or a failure's rest is over."""
        coming = self.log.closings[np.searchsorted(self.log.closings, moment, side="right") :][:1]
        changes = [int(closing) for closing in coming]
        if self.books.trades_read_at is not None:
            age = int(self.books.settings.policy.max_age_days * _DAY)
            due = to_microseconds(self.books.trades_read_at) + age
            # The condition reckons in floats: on which side of it this very moment lies, it knows.
            changes += [due - _SECOND, due + _SECOND]
        if self.books.next_eligible_at is not None:
            changes.append(to_microseconds(self.books.next_eligible_at))
        return min((change for change in changes if change > moment), default=NEVER - _DAY)

    def _tick_from(self, moment: int) -> int:
        """The first tick that is not before the moment."""
        tick = self.pace.tick_minutes * _MINUTE
        return -(-moment // tick) * tick
