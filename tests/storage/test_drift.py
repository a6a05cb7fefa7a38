"""Feature drift, from the reference that a training leaves to the condition that it is read by."""

from __future__ import annotations

import random
import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from autoretrain.domain.conditions import Decision, decide
from autoretrain.domain.drift import LEAST_TRADES, NEWEST_TRADES, Spread
from autoretrain.services.train import Finished
from tests.fakes import FakeArtifacts
from tests.lessons import challenger, comparison, rows
from tests.storage.conftest import Stack
from tests.trainers import learning_trainer
from tests.world import NOW, USER

TRAINED = NOW - timedelta(days=10)
REFERENCE: Any = {"rsi": {"edges": [2.0, 4.0], "rows": [30, 40, 50, 0]}}


@pytest.fixture
def strategy(stack: Stack) -> UUID:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, -1.0] * 60)
    return strategy_id


def trained(stack: Stack, strategy: UUID, **changes: Any) -> None:
    left = challenger(rows=rows(as_of=TRAINED), **{"reference": REFERENCE, **changes})
    stack.training.publish(stack.running(strategy), left, "k/1", TRAINED)


def switched_on(stack: Stack, psi: float = 0.25) -> None:
    stack.world.run("UPDATE autoretrain.strategy_training SET feature_drift_psi = %s", psi)


def later(stack: Stack, strategy: UUID, features: list[Any]) -> None:
    """Trades since the training."""
    stack.world.trades(
        strategy,
        [1.0] * len(features),
        first=TRAINED + timedelta(hours=1),
        every=timedelta(minutes=5),
        features=features,
    )


def test_newest_trades_are_counted_in_the_bins_of_the_reference(
    stack: Stack, strategy: UUID
) -> None:
    switched_on(stack)
    trained(stack, strategy)
    told = [0, 1.9, 2, 3.9, 4, 1e308, -5, None, True, "4", [4], {"a": 4}]
    later(stack, strategy, [{"rsi": value} for value in told] + [{}, {"other": 1}])

    assert stack.snapshot(strategy).spreads == (Spread("rsi", [30, 40, 50, 0], [3, 2, 2, 7]),)


def test_number_that_no_float_takes_is_counted_too(stack: Stack, strategy: UUID) -> None:
    switched_on(stack)
    trained(stack, strategy)
    later(stack, strategy, [{"rsi": 0}])
    large = '{"rsi": 1' + 400 * "0" + "}"
    stack.world.run("UPDATE trades SET features = %s WHERE decided_at > %s", large, TRAINED)

    assert stack.snapshot(strategy).spreads == (Spread("rsi", [30, 40, 50, 0], [0, 0, 1, 0]),)


def test_no_more_trades_are_read_than_tell(own: Stack) -> None:
    strategy = own.world.strategy()
    own.world.trades(strategy, [1.0, -1.0] * 60)
    switched_on(own)
    trained(own, strategy)
    later(own, strategy, [{"rsi": 1}] * 20 + [{"rsi": 3}] * NEWEST_TRADES)

    assert own.snapshot(strategy).spreads == (Spread("rsi", [30, 40, 50, 0], [0, 500, 0, 0]),)


def test_nothing_is_read_unless_the_owner_wants_to_know(stack: Stack, strategy: UUID) -> None:
    trained(stack, strategy)
    later(stack, strategy, [{"rsi": 1}])

    assert stack.snapshot(strategy).spreads == ()


def test_model_from_before_has_nothing_to_compare_with(stack: Stack, strategy: UUID) -> None:
    switched_on(stack)
    trained(stack, strategy)
    later(stack, strategy, [{"rsi": 1}] * LEAST_TRADES)
    stack.world.run("UPDATE autoretrain.model_artifacts SET feature_reference = NULL")

    drift = decision(stack, strategy).condition("feature_drift")
    assert (drift.fired, "from before" in drift.line) == (False, True)


def test_reference_is_that_of_the_active_model(stack: Stack, strategy: UUID) -> None:
    switched_on(stack)
    trained(stack, strategy)
    other = {"rsi": {"edges": [], "rows": [120, 0]}}
    kept = challenger(
        comparison(0.70, 0.65, against="v1"), rows=rows(as_of=TRAINED), reference=other
    )
    stack.world.run("UPDATE autoretrain.strategy_training SET trades_read_at = NULL")
    later(stack, strategy, [{"rsi": 1}] * 60)
    assert not stack.training.publish(stack.running(strategy), kept, "k/2", TRAINED).activated

    (spread,) = stack.snapshot(strategy).spreads
    assert spread.fitted == [30, 40, 50, 0]


def decision(stack: Stack, strategy: UUID) -> Decision:
    snapshot = stack.snapshot(strategy)
    return decide(snapshot, snapshot.policy)


def market(shift: float, trades: int, first: datetime, seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    strengths = [chance.gauss(0, 1) for _ in range(trades)]
    return {
        "pnl_pcts": [1.0 if chance.gauss(one, 1) > 0 else -1.0 for one in strengths],
        "features": [{"strength": one, "volatility": chance.gauss(shift, 1)} for one in strengths],
        "first": first,
        "every": timedelta(hours=1),
    }


def train(stack: Stack, strategy: UUID, artifacts: FakeArtifacts, now: datetime) -> None:
    trainer = learning_trainer(stack.training, artifacts, now, reports=False)
    _, ended = trainer.work(stack.starting(strategy), "task/1", threading.Event())
    assert isinstance(ended, Finished)


@pytest.mark.parametrize(("shift", "fires"), [(0.0, False), (2.5, True)])
def test_market_that_has_moved_calls_for_a_training_and_then_for_no_other(
    own: Stack, shift: float, fires: bool
) -> None:
    artifacts, strategy = FakeArtifacts(), own.world.strategy(user_id=USER)
    own.world.trades(strategy, **market(0.0, 300, NOW - timedelta(days=40), seed=1))
    train(own, strategy, artifacts, NOW - timedelta(days=20))
    own.world.run(
        "UPDATE autoretrain.strategy_training"
        " SET feature_drift_psi = 0.25, new_trades_threshold = 1000, max_age_days = 365,"
        " degradation_ratio = 0.01"
    )
    own.world.trades(strategy, **market(shift, 120, NOW - timedelta(days=19), seed=2))

    decided = decision(own, strategy)
    drift = decided.condition("feature_drift")
    assert drift.fired is fires, drift.line
    assert drift.figures["features"].keys() == {"strength", "volatility"}  # type: ignore[union-attr]
    if fires:
        assert decided.outcome == "feature_drift"
        assert "1 of 2 features drifted over the newest 120 trades" in decided.reason
        train(own, strategy, artifacts, NOW)
        again = decision(own, strategy)
        assert not again.should_retrain
        assert "0 of 100 trades since the last training" in again.condition("feature_drift").line
