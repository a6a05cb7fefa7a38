from __future__ import annotations

import json
import math
import random
import re
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import pytest

from autoretrain.domain.gate import BASE_RATE, TooFewRows
from autoretrain.domain.models import Challenger, Champion
from autoretrain_trainer.exam import Seat
from autoretrain_trainer.fit import Course
from autoretrain_trainer.learner import LightGBMLearner
from autoretrain_trainer.rows import to_datetime, to_microseconds
from tests.unit.trainer.lessons import (
    compared,
    declined,
    fitted_rows,
    later,
    learn,
    taught,
    unheard,
)
from tests.unit.trainer.trade_stream import (
    AS_OF,
    HOUR,
    START,
    FakeArtifacts,
    FakeBooks,
    Reports,
    Stopped,
    assignment,
    loaded,
    market,
)


def test_first_model_beats_the_base_rate_when_there_is_signal() -> None:
    challenger = taught(market(300))
    evidence = compared(challenger)
    assert evidence.rival == BASE_RATE
    assert evidence.rows == 180
    assert evidence.log_loss_improvement > 0.05
    assert evidence.challenger.roc_auc is not None
    assert evidence.challenger.roc_auc > 0.7
    assert not challenger.refit_disagrees
    assert challenger.rows.usable == 300
    assert challenger.fitted_rows == 300
    assert challenger.data_cutoff == to_datetime(max(t.closed_at for t in market(300)))
    # Trades last 1 to 8 hours and one is decided each hour: every fold has some still open.
    assert challenger.rows.purged > 5


def test_first_model_does_not_beat_the_base_rate_when_there_is_none() -> None:
    assert compared(taught(market(300, signal=0))).log_loss_improvement < 0


def test_first_models_rival_knows_only_the_win_rate_of_what_had_closed_before_each_fold() -> None:
    trades = market(200)
    losses = []
    for start in (80, 104, 128, 152, 176):
        known = [t.pnl_pct > 0 for t in trades if t.closed_at < trades[start].decided_at]
        rate = (sum(known) + 1) / (len(known) + 2)
        losses += [
            -math.log(rate if trade.pnl_pct > 0 else 1 - rate)
            for trade in trades[start : start + 24]
        ]
    evidence = compared(taught(trades))
    assert evidence.champion.log_loss == pytest.approx(sum(losses) / len(losses))


def test_first_model_is_the_base_rate_where_nothing_had_closed_before() -> None:
    opened_together = [replace(t, decided_at=START, closed_at=START + HOUR) for t in market(100)]
    evidence = compared(taught(opened_together))
    assert (evidence.z, evidence.log_loss_improvement) == (0.0, 0.0)


def test_same_trades_give_the_same_model() -> None:
    first, second = taught(market(200)), taught(market(200))
    assert first.served.model_text == second.served.model_text
    assert first.served.manifest_text == second.served.manifest_text


def test_model_does_not_depend_on_the_order_of_rows_or_keys() -> None:
    shuffled = [
        replace(trade, features=dict(sorted(trade.features.items(), reverse=True)))
        for trade in market(200)
    ]
    random.Random(4).shuffle(shuffled)
    first, second = taught(market(200)), taught(shuffled)
    assert first.served.model_text == second.served.model_text
    assert first.fingerprint == second.fingerprint


def test_feature_weights_change_the_model_and_are_kept_beside_it() -> None:
    weighted = taught(market(200), assignment(feature_weights={"rsi": 0.0, "adx": 2.0}))
    assert weighted.served.sha256 != taught(market(200)).served.sha256
    booster = lgb.Booster(model_str=weighted.served.model_text.decode())
    splits = dict(zip(("adx", "rsi"), booster.feature_importance().tolist(), strict=False))
    assert splits["rsi"] == 0
    assert splits["adx"] > 0
    assert weighted.served.manifest["feature_weights"] == {"rsi": 0.0, "adx": 2.0}


def test_challenger_is_judged_on_the_newest_half_of_the_unseen_trades(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    challenger = taught(later(60), assignment(champion, force=True), artifacts)
    evidence = compared(challenger)
    assert (evidence.rival, evidence.rows) == ("v1", 30)
    assert evidence.judged_from >= champion.data_cutoff
    assert evidence.judged_from == to_datetime(START + 250 * HOUR)
    assert 0 < challenger.rows.purged <= 8
    assert challenger.judged_sha256 != challenger.served.sha256
    assert challenger.data_cutoff == to_datetime(max(t.closed_at for t in later(60)))


def test_challenger_that_cannot_go_live_is_kept_as_it_was_judged(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    challenger = taught(later(60), assignment(champion), artifacts)
    assert compared(challenger).log_loss_improvement < 0
    assert challenger.judged_sha256 == challenger.served.sha256
    assert challenger.data_cutoff < compared(challenger).judged_from


def test_challenger_is_fitted_on_everything_when_too_few_trades_are_unseen(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    challenger = taught(later(19), assignment(champion), artifacts)
    assert challenger.evidence == TooFewRows("v1", 19)
    assert challenger.judged_sha256 == challenger.served.sha256
    assert challenger.data_cutoff == to_datetime(max(t.closed_at for t in later(19)))


def test_verdict_counts_the_rows_that_earlier_verdicts_have_used(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    books = FakeBooks(later(60), reused=12)
    lesson = LightGBMLearner(books, artifacts).learn(assignment(champion), AS_OF, Reports())
    assert isinstance(lesson, Challenger)
    evidence = compared(lesson)
    assert evidence.rows_reused == 12
    assert books.asked == [("v1", evidence.judged_from, evidence.judged_until)]


def test_refit_that_disagrees_is_set_aside_for_the_judged_model(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    # The market turns while the judged model is still mostly of the old one.
    old, turned = market(260, 3.0), market(500, 3.0, seed=2, first=260)
    trades = [*old, *(replace(trade, pnl_pct=-trade.pnl_pct) for trade in turned)]
    has_seen_nothing = replace(champion, data_cutoff=to_datetime(START))
    challenger = taught(trades, assignment(has_seen_nothing), artifacts)
    assert challenger.refit_disagrees
    assert challenger.judged_sha256 == challenger.served.sha256
    assert challenger.data_cutoff < compared(challenger).judged_from
    assert challenger.fitted_rows == fitted_rows(challenger) < 760


def test_seat_disagrees_with_a_model_that_says_the_opposite() -> None:
    trades = loaded(market(200, 2.0))
    turned = loaded([replace(t, pnl_pct=-t.pnl_pct) for t in market(200, 2.0)])
    course = Course.of(trades, {})
    model, other = (course.fit(rows, unheard) for rows in (trades, turned))
    seat = Seat(model, trades, trades, model.predict(trades))
    assert not seat.disagrees(model)
    assert seat.disagrees(other)


def test_manifest_says_how_the_model_was_made(artifacts: FakeArtifacts) -> None:
    bad = replace(market(1)[0], id=999, pnl_pct=float("nan"))
    challenger = taught([*market(150), bad])
    manifest = json.loads(challenger.served.manifest_text)
    assert manifest["inputs"] == [
        {"feature": "adx"},
        {"feature": "rsi"},
        {"feature": "volume"},
        {"trade": "side"},
        {"trade": "symbol"},
    ]
    assert manifest["symbols"] == ["BTC", "ETH"]
    assert manifest["model"]["sha256"] == challenger.served.sha256
    assert manifest["model"]["bytes"] == len(challenger.served.model_text)
    assert manifest["rows"]["dropped"] == {"no outcome": 1}
    assert manifest["rows"]["usable"] == manifest["rows"]["fitted"] == 150
    assert manifest["data_cutoff"] == challenger.data_cutoff.isoformat()
    assert manifest["recipe"]["trees"] == 60
    assert manifest["evidence"]["rows"] == compared(challenger).rows
    assert manifest["fingerprint"] == challenger.fingerprint


def test_win_rate_is_that_of_the_executed_trades() -> None:
    trades = [replace(t, executed=float(t.symbol == "BTC")) for t in market(150)]
    executed = [t.pnl_pct > 0 for t in trades if t.symbol == "BTC"]
    assert taught(trades).win_rate == pytest.approx(sum(executed) / len(executed))


def test_learner_reads_enough_rows_for_a_large_minimum() -> None:
    books = FakeBooks(market(10))
    learner = LightGBMLearner(books, FakeArtifacts())
    learner.learn(assignment(min_trades=40_000), AS_OF, Reports())
    assert books.newest == 50_000


def test_learner_reports_its_phases_in_order(champion: Champion, artifacts: FakeArtifacts) -> None:
    report = Reports()
    learn(later(60), assignment(champion, force=True), artifacts, report)
    ends = ["refitting", "remembering", "reporting"]
    assert report.phases() == ["loading", "fitting", "judging", *ends]
    assert ("fitting", 60, 60) in report.heard


def test_console_has_words_for_every_phase(champion: Champion, artifacts: FakeArtifacts) -> None:
    reports = Reports()
    learn(later(60), assignment(champion, force=True), artifacts, reports)
    words = (Path(__file__).parents[3] / "console/src/domain/runs.ts").read_text()

    assert {*reports.phases(), "publishing"} <= set(re.findall(r"^  (\w+): \[", words, re.M))


def test_progress_never_goes_back_through_the_folds_of_a_first_model() -> None:
    report = Reports()
    learn(market(150), report=report)
    rounds = [done for phase, done, _ in report.heard if phase == "fitting"]
    assert rounds == sorted(rounds)
    assert rounds[-1] == 300


@pytest.mark.parametrize("phase", ["fitting", "refitting"])
def test_what_a_report_raises_ends_the_training(phase: str) -> None:
    report = Reports(stop_at=phase)
    with pytest.raises(Stopped):
        learn(market(150), report=report)
    assert report.heard[-1][:2] == (phase, 10)


def test_trades_closed_after_the_reading_are_not_learnt_from() -> None:
    future = replace(market(1)[0], id=999, closed_at=to_microseconds(AS_OF) + 1)
    assert declined([*market(99), future]).rows.dropped == {"closed in the future": 1}
