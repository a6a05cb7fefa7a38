"""Every call fails once that a training by LightGBM makes, those among them by which it reads its
trades, the champion and what earlier trainings remember."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from uuid import UUID

import pytest

from autoretrain.domain.runs import RUNNING_LEASE
from autoretrain.domain.work import Claimed
from autoretrain.errors import DatabaseUnavailable
from autoretrain.storage.database import TRAINER
from autoretrain.storage.training import TrainBooks
from autoretrain.storage.wishes import WishBooks
from autoretrain_trainer.learner import LightGBMLearner
from tests.faults.figures import Figures
from tests.faults.loop import MINUTE, Loop
from tests.faults.rows import row
from tests.faults.weather import Sky, Weather
from tests.faults.wire import Fault, How

Trouble = Callable[[int], AbstractContextManager[None]]
"""What goes wrong at the call of that number."""
TRIES = 3
"""How often boto3 sends a request that fails, all told."""


@pytest.fixture
def strategy_id(loop: Loop, bucket: str) -> UUID:
    """It has a champion."""
    made = loop.world.strategy()
    loop.world.run("UPDATE autoretrain.strategy_training SET activation_mode = 'always'")
    loop.world.trades(made, [1.0, -1.0, -1.0] * 40)
    train(loop, queued(loop, made))
    assert loop.active(made) == ["v1"]
    return made


def queued(loop: Loop, strategy_id: UUID) -> UUID:
    claim = WishBooks(loop.database()).queue(strategy_id, "once more")
    assert isinstance(claim, Claimed)
    return claim.run_id


def train(loop: Loop, run_id: UUID) -> None:
    learner = LightGBMLearner(TrainBooks(loop.database(TRAINER)), loop.artifacts)
    with suppress(DatabaseUnavailable):  # where the trainer then looks for another run
        loop.train(run_id, learner=learner, pause=lambda _: None)


def survives(loop: Loop, strategy_id: UUID, trouble: Trouble, struck: Callable[[], bool]) -> int:
    """How many calls failed until there was none left that could."""
    call = 0
    while True:
        run_id = queued(loop, strategy_id)
        with trouble(call):
            train(loop, run_id)
        loop.look()
        if not struck():
            return call
        loop.pass_by(RUNNING_LEASE + MINUTE)
        loop.dispatch()
        train(loop, run_id)
        assert loop.runs(strategy_id)[-1].status == "succeeded"
        assert loop.active(strategy_id) == [loop.runs(strategy_id)[-1].model_version]
        call += 1


@row("F20")
def test_training_survives_the_failure_of_any_call_to_s3(
    loop: Loop, strategy_id: UUID, sky: Weather, figures: Figures
) -> None:
    def trouble(call: int) -> AbstractContextManager[None]:
        sky.forecast.clear()
        sky.expect(*[Sky.CLEAR] * call, *[Sky.BUSY] * TRIES)
        return nullcontext()

    def struck() -> bool:
        left = len(sky.forecast)
        sky.forecast.clear()
        return left < TRIES

    failed = survives(loop, strategy_id, trouble, struck)

    assert "s3.GetObject" in sky.sent
    figures.calls_failed += failed


@row("F24")
def test_training_survives_the_failure_of_any_statement(
    loop: Loop, strategy_id: UUID, figures: Figures
) -> None:
    wire, before = loop.bench.wire, [0]

    def trouble(call: int) -> AbstractContextManager[None]:
        before[0] = wire.struck
        return wire.breaking(Fault(How.CUT, call), lambda _: None)

    figures.calls_failed += survives(loop, strategy_id, trouble, lambda: wire.struck > before[0])
