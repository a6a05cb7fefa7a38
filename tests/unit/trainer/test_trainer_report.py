from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from autoretrain.domain.gate import ActivationMode, Comparison
from autoretrain.domain.models import Assignment, Challenger, Champion
from autoretrain_trainer import report
from autoretrain_trainer.fit import Model
from autoretrain_trainer.learner import LightGBMLearner
from tests.unit.trainer.lessons import later
from tests.unit.trainer.trade_stream import (
    AS_OF,
    FakeArtifacts,
    FakeBooks,
    Reports,
    Trade,
    assignment,
    market,
)

WEIGHTS = {"rsi": 0.0, "adx": 3.0}


def taught(
    trades: Sequence[Trade],
    task: Assignment | None = None,
    artifacts: FakeArtifacts | None = None,
    reports: bool = True,
) -> Challenger:
    learner = LightGBMLearner(FakeBooks(trades, reused=7), artifacts or FakeArtifacts(), reports)
    lesson = learner.learn(task or assignment(), AS_OF, Reports())
    assert isinstance(lesson, Challenger)
    return lesson


def told(challenger: Challenger) -> Any:
    assert challenger.served.report is not None
    return json.loads(challenger.served.report)


def test_manifest_vouches_for_the_report() -> None:
    served = taught(market(200)).served
    assert served.report is not None
    assert served.manifest["report"] == {
        "file": "report.json",
        "sha256": hashlib.sha256(served.report).hexdigest(),
        "bytes": len(served.report),
    }


def test_model_is_the_same_without_a_report() -> None:
    without, with_one = taught(market(200), reports=False).served, taught(market(200)).served
    assert without.report is None
    assert "report" not in without.manifest
    assert without.model_text == with_one.model_text
    assert without.manifest == {k: v for k, v in with_one.manifest.items() if k != "report"}


def test_report_has_champion_and_challenger_on_the_same_rows(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    challenger = taught(later(120), assignment(champion), artifacts)
    evidence, judged = told(challenger)["evidence"], told(challenger)["judged"]
    compared = challenger.evidence
    assert isinstance(compared, Comparison)
    assert (evidence["rival"], evidence["rows"], evidence["rows_reused"]) == ("v1", 60, 7)
    assert evidence["p_better"] == compared.p_better
    for whose, score in (("challenger", compared.challenger), ("champion", compared.champion)):
        assert evidence[whose]["log_loss"] == score.log_loss
        x, y = np.array(judged[whose]["roc"]).T
        assert np.trapezoid(y, x) == pytest.approx(score.roc_auc, abs=1e-5)
        assert sum(each["rows"] for each in judged[whose]["reliability"]) == 60
        assert sum(each["rows"] for each in judged[whose]["pnl"]) == 60
    assert judged["wins"] + judged["losses"] == 60


def test_report_of_a_first_model_has_its_pooled_judged_rows_and_no_curves_of_the_base_rate() -> (
    None
):
    first = told(taught(market(200)))
    assert (first["evidence"]["rival"], first["evidence"]["champion"]) == ("base rate", None)
    assert first["judged"]["wins"] + first["judged"]["losses"] == 120
    assert "champion" not in first["judged"]


def test_report_is_short_when_nothing_was_judged(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    short = told(taught(later(12), assignment(champion), artifacts))
    assert short["evidence"] == {"rival": "v1", "rows": 12, "needed": 20}
    assert (short["judged"], short["importance"], short["weights"]) == (None, None, None)
    assert short["rows"]["usable"] == 212


def test_report_says_how_the_model_was_made() -> None:
    bad = replace(market(1)[0], id=999, pnl_pct=float("nan"))
    challenger = taught([*market(200), bad], assignment(feature_weights=WEIGHTS))
    whole, manifest = told(challenger), json.loads(challenger.served.manifest_text)
    assert whole["rows"]["dropped"] == {"no outcome": 1}
    assert whole["rows"]["purged"] == challenger.rows.purged > 0
    for name in ("rows", "recipe", "memory", "data_from", "data_cutoff", "feature_weights"):
        assert whole[name] == manifest[name], name
    assert whole["failed"] is None


def test_importance_is_the_mean_shap_value_of_the_judged_rows(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    trades = later(120)
    challenger = taught(trades, assignment(champion), artifacts)
    booster = lgb.Booster(model_str=challenger.served.model_text.decode())
    names = ("adx", "rsi", "volume")
    rows = [
        [*(t.features[name] for name in names), t.side, {"BTC": 1, "ETH": 2, None: 0}[t.symbol]]
        for t in trades[-60:]
    ]
    shap = np.asarray(booster.predict(np.array(rows), pred_contrib=True))[:, :-1]
    importance = told(challenger)["importance"]
    assert (importance["rows"], importance["inputs"]) == (60, 5)
    values = [each["log_odds"] for each in importance["highest"]]
    assert values == sorted(values, reverse=True)
    rsi = [each["log_odds"] for each in importance["highest"] if each.get("feature") == "rsi"]
    assert rsi == [pytest.approx(np.abs(shap[:, 1]).mean(), abs=1e-6)]
    named = [
        next(iter(each.items() - {("log_odds", each["log_odds"])}))
        for each in importance["highest"]
    ]
    assert set(named) == {
        *(("feature", name) for name in names),
        ("trade", "side"),
        ("trade", "symbol"),
    }


@pytest.mark.parametrize(
    ("changes", "explained"),
    [
        ({}, False),
        ({"manual": True}, True),
        ({"force": True}, True),
        ({"activation_mode": ActivationMode.ALWAYS}, True),
        ({"activation_mode": ActivationMode.APPROVE}, False),
    ],
)
def test_kept_challenger_is_explained_only_when_a_person_asks(
    champion: Champion, artifacts: FakeArtifacts, changes: Any, explained: bool
) -> None:
    task = replace(assignment(champion, feature_weights=WEIGHTS), **changes)
    challenger = taught(later(120), task, artifacts)
    assert isinstance(challenger.evidence, Comparison)
    assert challenger.evidence.log_loss_improvement < 0
    whole = told(challenger)
    assert (whole["importance"] is not None) is explained
    assert (whole["weights"] is not None) is explained


@pytest.mark.parametrize("rows", [0, 300])
def test_weights_are_compared_with_none_on_the_same_rows(
    champion: Champion, artifacts: FakeArtifacts, rows: int
) -> None:
    rival = champion if rows else None
    trades = later(rows) if rows else market(200)
    task = assignment(rival, feature_weights=WEIGHTS, manual=True)
    weighted = taught(trades, task, artifacts)
    plain = taught(trades, replace(task, feature_weights={}), artifacts)
    assert isinstance(weighted.evidence, Comparison)
    assert isinstance(plain.evidence, Comparison)
    found = told(weighted)["weights"]
    assert found["log_loss"] == pytest.approx(weighted.evidence.challenger.log_loss)
    assert found["uniform_log_loss"] == pytest.approx(plain.evidence.challenger.log_loss)
    # Only rsi tells anything, and its weight is 0.
    assert found["log_loss_improvement"] < -0.05
    assert found["z"] < -2
    assert told(plain)["weights"] is None


def test_filtered_trades_are_warned_of() -> None:
    trades = [
        replace(trade, win_probability=0.9) if trade.id >= 100 else trade for trade in market(200)
    ]
    whole = told(taught(trades))
    assert whole["filtering"]["found"] is True
    assert whole["warnings"] == [whole["filtering"]["line"]]
    assert told(taught(market(200)))["warnings"] == []


def test_training_goes_on_when_its_report_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(model: Model, trades: Any) -> Any:
        raise ValueError("no contributions")

    monkeypatch.setattr(Model, "contributions", broken)
    whole = told(taught(market(200)))
    assert whole["failed"] == "ValueError: no contributions"
    assert whole["rows"]["usable"] == 200


def test_report_is_the_same_when_the_trades_are() -> None:
    first, second = (taught(market(200)).served.report for _ in range(2))
    assert first == second


def test_report_shows_the_highest_inputs_only_when_there_are_many() -> None:
    wide = [
        replace(t, features={**t.features, **{f"f{n}": float(t.id % (n + 2)) for n in range(150)}})
        for t in market(200)
    ]
    importance = told(taught(wide, assignment(manual=True)))["importance"]
    assert importance["inputs"] == 155
    assert len(importance["highest"]) == report.MOST_FEATURES
