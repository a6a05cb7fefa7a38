"""Trades that no training can be made of: it fails, or is declined, and says why."""

from __future__ import annotations

import math
import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace

import pytest

from autoretrain.domain.gate import Outcome
from autoretrain.domain.models import Assignment, Champion, Declined
from autoretrain.errors import DataError
from autoretrain_trainer.learner import too_little
from tests.unit.trainer.lessons import declined, later, learn, taught
from tests.unit.trainer.trade_stream import (
    HOUR,
    START,
    FakeArtifacts,
    Trade,
    assignment,
    loaded,
    market,
)


@pytest.mark.parametrize(
    ("task", "code"),
    [
        (assignment(feature_weights={"macd": 1.0}), "unknown_feature_weight"),
        (assignment(feature_weights={"rsi": 3.5}), "bad_feature_weight"),
    ],
)
def test_training_fails_when_a_weight_cannot_be_used(task: Assignment, code: str) -> None:
    with pytest.raises(DataError) as raised:
        learn(market(200), task)
    assert raised.value.code == code


def with_feature(name: str, trades: Sequence[Trade]) -> list[Trade]:
    return [replace(t, features={**t.features, name: t.pnl_pct}) for t in trades]


def test_training_fails_when_a_feature_is_known_only_at_the_exit_unless_it_is_allowed() -> None:
    exiting = with_feature("exit_price", market(200))
    with pytest.raises(DataError, match="exit_price") as raised:
        learn(exiting)
    assert raised.value.code == "exit_only_feature"
    assert taught(exiting, assignment(allowed_features=("exit_price",)))


def test_training_fails_when_a_feature_leaks_unless_it_is_allowed() -> None:
    leaking = with_feature("next_close", market(200))
    with pytest.raises(DataError, match="next_close"):
        learn(leaking)
    assert taught(leaking, assignment(allowed_features=("next_close",)))


def test_training_fails_when_a_feature_is_there_on_wins_only_unless_it_is_allowed() -> None:
    hinting = [
        replace(t, features={**t.features, **({"tp_price": 1.0} if t.pnl_pct > 0 else {})})
        for t in market(200)
    ]
    with pytest.raises(DataError, match=r"tp_price \(is missing on losses"):
        learn(hinting)
    assert taught(hinting, assignment(allowed_features=("tp_price",)))


def test_training_goes_on_when_features_are_missing_now_and_then_or_came_late() -> None:
    chance = random.Random(5)
    gappy = [
        replace(t, features={name: x for name, x in t.features.items() if chance.random() > 0.3})
        for t in market(200)
    ]
    late = [replace(t, features={**t.features, "ema": 1.0}) for t in gappy[100:]]
    assert taught([*gappy[:100], *late])


def test_training_fails_before_reading_when_there_are_too_many_features() -> None:
    trades = [replace(market(1)[0], features={f"f{n}": 1.0 for n in range(1501)})]
    # There is no such side: what is read fails otherwise.
    with pytest.raises(DataError) as raised:
        learn([replace(trades[0], side=math.inf)])
    assert raised.value.code == "too_many_features"


def test_training_fails_when_no_feature_is_numeric() -> None:
    with pytest.raises(DataError) as raised:
        learn([replace(trade, features={}) for trade in market(200)])
    assert raised.value.code == "no_features"


def test_training_fails_when_too_many_rows_are_bad() -> None:
    bad = [replace(trade, pnl_pct=float("nan")) for trade in market(60)]
    with pytest.raises(DataError) as raised:
        learn([*bad, *market(200)[60:]])
    assert raised.value.code == "too_many_bad_rows"


def test_training_is_declined_when_there_are_too_few_trades() -> None:
    lesson = declined(market(99))
    assert lesson.outcome is Outcome.INSUFFICIENT_DATA
    assert lesson.line == "99 of 100 usable closed trades"
    assert lesson.rows.usable == 99


def test_training_is_declined_when_there_is_no_trade_at_all() -> None:
    assert declined([]).outcome is Outcome.INSUFFICIENT_DATA


@pytest.mark.parametrize(("wins", "pnl"), [(9, 1.0), (111, -1.0)])
def test_training_is_declined_when_a_class_has_fewer_than_ten(wins: int, pnl: float) -> None:
    trades = [
        replace(trade, pnl_pct=pnl if number % 13 == 0 and number < 117 else -pnl)
        for number, trade in enumerate(market(120))
    ]
    lesson = declined(trades)
    assert lesson.outcome is Outcome.INSUFFICIENT_DATA
    assert f"{wins} wins and {120 - wins} losses among 120" in lesson.line
    assert "10 of each" in lesson.line


def test_training_is_declined_when_no_input_varies() -> None:
    same = [replace(t, features={"rsi": 1.0}, side=1.0, symbol="BTC") for t in market(120)]
    assert "every feature is the same" in declined(same).line
    # A feature that only a dropped trade has is missing in all the others.
    bad = replace(same[0], id=999, pnl_pct=math.nan, features={"rsi": 1.0, "adx": 1.0})
    assert "every feature is the same" in declined([*same, bad]).line


@pytest.mark.parametrize("what", ["rsi", "side", "symbol", "missing"])
def test_training_goes_on_when_one_input_varies(what: str) -> None:
    def vary(trade: Trade, odd: bool) -> Trade:
        same = replace(trade, features={"rsi": 1.0, "adx": 1.0}, side=1.0, symbol="BTC")
        changes = {
            "rsi": {"features": {"rsi": 2.0, "adx": 1.0}},
            "side": {"side": -1.0},
            "symbol": {"symbol": "ETH"},
            "missing": {"features": {"rsi": 1.0}},
        }
        return replace(same, **changes[what]) if odd else same  # type: ignore[arg-type]

    assert taught([vary(trade, trade.id % 2 == 0) for trade in market(120)])


def test_looking_for_what_varies_copies_no_trades() -> None:
    names = [f"f{number}" for number in range(200)]
    same = [
        replace(trade, features=dict.fromkeys(names, 1.0), side=1.0, symbol="BTC")
        for trade in market(1000)
    ]
    trades = loaded(same)
    tracemalloc.start()
    try:
        assert too_little(trades, 100) is not None
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < trades.values.nbytes / 4


def test_training_is_declined_when_the_trades_before_the_judged_have_one_class(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    trades = [
        replace(trade, pnl_pct=1.0 if trade.decided_at < START + 250 * HOUR else trade.pnl_pct)
        for trade in later(60)
    ]
    lesson = learn(trades, assignment(champion), artifacts)
    assert isinstance(lesson, Declined)
    assert lesson.outcome is Outcome.INSUFFICIENT_DATA
    assert "before the first judged one" in lesson.line


def test_training_is_declined_when_nothing_is_new() -> None:
    fingerprint = taught(market(120)).fingerprint
    lesson = declined(market(120), assignment(last_fingerprint=fingerprint))
    assert lesson.outcome is Outcome.NOTHING_NEW
    assert lesson.fingerprint == fingerprint


@pytest.mark.parametrize(
    "task",
    [
        assignment(manual=True),
        assignment(force=True),
        assignment(feature_weights={"rsi": 2.0}),
        assignment(allowed_features=("rsi",)),
        assignment(min_trades=99),
    ],
)
def test_training_goes_on_with_the_same_trades_when_asked_for_or_set_otherwise(
    task: Assignment,
) -> None:
    fingerprint = taught(market(120)).fingerprint
    assert taught(market(120), replace(task, last_fingerprint=fingerprint))


def test_training_goes_on_when_one_trade_is_new() -> None:
    fingerprint = taught(market(120)).fingerprint
    assert taught(market(121), assignment(last_fingerprint=fingerprint))
