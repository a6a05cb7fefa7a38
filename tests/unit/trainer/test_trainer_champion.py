"""A champion is judged as it is stored, whatever has become of features and symbols since."""

from __future__ import annotations

from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest

from autoretrain.domain.json import Json
from autoretrain.domain.models import Champion
from autoretrain.errors import ArtifactCorrupt
from autoretrain_trainer.artifact import load_champion
from autoretrain_trainer.fit import Course
from autoretrain_trainer.inputs import feature
from tests.faults.rows import row
from tests.unit.trainer.lessons import compared, later, learn, taught, unheard
from tests.unit.trainer.trade_stream import FakeArtifacts, assignment, loaded, market


def test_champions_score_is_that_of_its_stored_model(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    evidence = compared(taught(later(60), assignment(champion), artifacts))
    booster = lgb.Booster(model_str=artifacts.files["models/v1/model.txt"].decode())
    judged = later(60)[-30:]
    columns = [
        [
            *(trade.features[name] for name in ("adx", "rsi", "volume")),
            trade.side,
            {"BTC": 1, "ETH": 2, None: 0}[trade.symbol],
        ]
        for trade in judged
    ]
    p = np.clip(np.asarray(booster.predict(np.array(columns))), 0.01, 0.99)
    won = np.array([trade.pnl_pct > 0 for trade in judged])
    assert evidence.champion.log_loss == pytest.approx(-np.log(np.where(won, p, 1 - p)).mean())


@row("B27")
def test_champion_is_scored_by_name_when_columns_and_symbols_have_moved(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    expected = compared(taught(later(60), assignment(champion), artifacts)).champion
    # A new first column, and a new first symbol among trades that are not judged.
    moved = [replace(t, features={"aaa": 1.0, **t.features}) for t in later(60)]
    moved[0] = replace(moved[0], symbol="AAVE")
    assert compared(taught(moved, assignment(champion), artifacts)).champion == expected


def test_champion_knows_trades_without_a_symbol_as_it_was_fitted_on_them(
    artifacts: FakeArtifacts,
) -> None:
    # Only on trades without a symbol, rsi says the opposite.
    names = ["BTC", "ETH", None]
    trades = [
        replace(t, symbol=names[t.id % 3], pnl_pct=-t.pnl_pct if t.id % 3 == 2 else t.pnl_pct)
        for t in market(1500, 3.0)
    ]
    model = load_champion(artifacts.store(taught(trades)), artifacts)
    unsure = [replace(t, features={"rsi": 2.0}, side=1.0) for t in market(1)]
    chances = [
        model.predict(loaded([replace(t, symbol=symbol) for t in unsure]))[0]
        for symbol in ("BTC", "ETH", None, "SOL")
    ]
    assert min(chances[:2]) > 0.8
    assert chances[2] == chances[3] < 0.2


def test_champion_is_scored_when_no_trade_has_a_symbol_any_more(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    trades = [replace(trade, symbol=None) for trade in later(60)]
    assert compared(taught(trades, assignment(champion), artifacts)).rows == 30


def test_champion_without_symbols_in_its_manifest_is_scored(artifacts: FakeArtifacts) -> None:
    challenger = taught([replace(trade, symbol="BTC") for trade in market(200)])
    manifest = {k: v for k, v in challenger.served.manifest.items() if k != "symbols"}
    served = replace(challenger.served, manifest=manifest)
    champion = artifacts.store(replace(challenger, served=served))
    assert compared(taught(later(60), assignment(champion), artifacts)).rows == 30


def test_champion_that_does_not_look_at_the_side_is_scored(artifacts: FakeArtifacts) -> None:
    trades = loaded(market(200))
    course = replace(Course.of(trades, {}), inputs=(feature("rsi"),))
    challenger = taught(market(200))
    model = course.fit(trades, unheard)
    manifest: Json = {**challenger.served.manifest, "inputs": [{"feature": "rsi"}]}
    served = replace(challenger.served, model_text=model.text, manifest=manifest)
    champion = artifacts.store(replace(challenger, served=served))
    assert compared(taught(later(60), assignment(champion), artifacts)).rows == 30


@row("B27")
def test_champion_is_scored_without_what_is_missing_today(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    expected = compared(taught(later(60), assignment(champion), artifacts)).champion
    without = [replace(t, features={"volume": t.features["volume"]}) for t in later(60)]
    evidence = compared(taught(without, assignment(champion), artifacts))
    assert evidence.champion.log_loss > expected.log_loss


def test_stored_model_is_read_back_and_predicts_the_same(artifacts: FakeArtifacts) -> None:
    trades = loaded(market(150))
    model = load_champion(artifacts.store(taught(market(150))), artifacts)
    fresh = Course.of(trades, {}).fit(trades, unheard)
    np.testing.assert_allclose(model.predict(trades), fresh.predict(trades), rtol=1e-12)


@pytest.mark.parametrize("file", ["model.txt", "manifest.json"])
def test_champion_is_refused_when_a_stored_byte_has_changed(
    champion: Champion, artifacts: FakeArtifacts, file: str
) -> None:
    artifacts.files[f"models/v1/{file}"] += b" "
    with pytest.raises(ArtifactCorrupt):
        learn(later(60), assignment(champion), artifacts)


@pytest.mark.parametrize(
    "changes",
    [{"format": 2}, {"inputs": [{"trade": "mood"}]}, {"inputs": [{"feature": "rsi"}]}],
)
def test_champion_is_refused_when_its_manifest_does_not_fit(
    artifacts: FakeArtifacts, changes: dict[str, object]
) -> None:
    challenger = taught(market(200))
    served = replace(challenger.served, manifest={**challenger.served.manifest, **changes})  # type: ignore[dict-item]
    champion = artifacts.store(replace(challenger, served=served))
    with pytest.raises(ArtifactCorrupt):
        learn(later(60), assignment(champion), artifacts)
