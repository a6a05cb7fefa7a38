from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from autoretrain.domain.gate import Comparison, Outcome
from autoretrain.domain.models import Declined
from autoretrain_trainer.artifact import load_champion
from tests.unit.trainer.lessons import learn, taught
from tests.unit.trainer.trade_stream import FakeArtifacts, Trade, loaded, market


def compared(trades: Sequence[Trade]) -> Comparison:
    evidence = taught(trades).evidence
    assert isinstance(evidence, Comparison)
    return evidence


def winning(rows: int, losses: range) -> list[Trade]:
    """Trades that all win but these."""
    return [
        replace(trade, pnl_pct=-1.0 if number in losses else 1.0)
        for number, trade in enumerate(market(rows))
    ]


def test_hundred_trades_are_enough_to_be_judged_against_the_base_rate() -> None:
    evidence = compared(market(100))
    assert (evidence.first_model, evidence.rows) == (True, 60)


@pytest.mark.parametrize("pnl_pct", [1.0, -1.0])
def test_training_is_declined_when_all_trades_end_alike(pnl_pct: float) -> None:
    lesson = learn([replace(trade, pnl_pct=pnl_pct) for trade in market(200)])
    assert isinstance(lesson, Declined)
    assert lesson.outcome is Outcome.INSUFFICIENT_DATA


def test_training_is_declined_when_five_of_a_hundred_lose() -> None:
    lesson = learn(winning(100, losses=range(0, 100, 20)))
    assert isinstance(lesson, Declined)
    assert lesson.line.startswith("95 wins and 5 losses among 100")


def test_training_goes_on_when_twenty_of_four_hundred_lose() -> None:
    evidence = compared(winning(400, losses=range(0, 400, 20)))
    assert evidence.challenger.roc_auc is not None


def test_auc_is_null_and_all_else_a_number_when_the_judged_trades_all_win() -> None:
    lesson = taught(winning(400, losses=range(0, 160, 8)))
    assert isinstance(lesson.evidence, Comparison)
    assert lesson.evidence.challenger.roc_auc is None
    assert lesson.evidence.is_finite()
    manifest = json.loads(lesson.served.manifest_text)
    assert manifest["evidence"]["challenger"]["roc_auc"] is None
    assert b"NaN" not in lesson.served.manifest_text


def wide(trade: Trade) -> Trade:
    chance = random.Random(trade.id)
    return replace(
        trade, features={**trade.features} | {f"f{n}": chance.random() for n in range(200)}
    )


def gappy(trade: Trade) -> Trade:
    chance = random.Random(trade.id)
    kept = {name: value for name, value in trade.features.items() if chance.random() > 0.3}
    return replace(trade, features=kept)


def grown(trade: Trade) -> Trade:
    late = {"ema": trade.features["rsi"] / 2} if trade.id >= 100 else {}
    return replace(trade, features={**trade.features} | late)


@pytest.mark.parametrize("change", [wide, gappy, grown, lambda trade: gappy(wide(trade))])
def test_training_goes_on_with_many_missing_and_late_features(
    change: Callable[[Trade], Trade],
) -> None:
    assert compared([change(trade) for trade in market(200)]).is_finite()


@pytest.mark.parametrize("lucky", ["ADA", "BTC", "ETH"])
def test_symbol_that_a_model_does_not_know_is_none_of_those_it_singles_out(lucky: str) -> None:
    names = ["ADA", "BTC", "ETH"]
    trades = [
        replace(t, symbol=names[t.id % 3], pnl_pct=1.0 if names[t.id % 3] == lucky else t.pnl_pct)
        for t in market(900, signal=0.2)
    ]
    artifacts = FakeArtifacts()
    model = load_champion(artifacts.store(taught(trades)), artifacts)
    asked = [replace(trade, symbol=lucky) for trade in market(50)]
    unknown = [replace(trade, symbol="DOGE") for trade in market(50)]
    assert model.predict(loaded(asked)).mean() > 0.85
    assert model.predict(loaded(unknown)).mean() < 0.65
