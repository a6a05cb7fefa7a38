from __future__ import annotations

import json
import math
import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest

from autoretrain.domain.gate import BASE_RATE, Comparison, Outcome, TooFewRows
from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment, Challenger, Champion, Declined, Lesson
from autoretrain.errors import ArtifactCorrupt, DataError
from autoretrain_trainer.artifact import load_champion
from autoretrain_trainer.exam import Seat
from autoretrain_trainer.fit import Course
from autoretrain_trainer.inputs import feature
from autoretrain_trainer.learner import LightGBMLearner, too_little
from autoretrain_trainer.rows import to_datetime, to_microseconds
from tests.faults.rows import row
from tests.unit.trainer.trade_stream import (
    AS_OF,
    HOUR,
    START,
    FakeArtifacts,
    FakeBooks,
    Reports,
    Stopped,
    Trade,
    assignment,
    loaded,
    market,
)


def learn(
    trades: Sequence[Trade],
    task: Assignment | None = None,
    artifacts: FakeArtifacts | None = None,
    report: Reports | None = None,
) -> Lesson:
    learner = LightGBMLearner(FakeBooks(trades), artifacts or FakeArtifacts())
    return learner.learn(task or assignment(), AS_OF, report or Reports())


def taught(
    trades: Sequence[Trade],
    task: Assignment | None = None,
    artifacts: FakeArtifacts | None = None,
) -> Challenger:
    lesson = learn(trades, task, artifacts)
    assert isinstance(lesson, Challenger)
    return lesson


def declined(trades: Sequence[Trade], task: Assignment | None = None) -> Declined:
    lesson = learn(trades, task)
    assert isinstance(lesson, Declined)
    return lesson


def compared(challenger: Challenger) -> Comparison:
    assert isinstance(challenger.evidence, Comparison)
    return challenger.evidence


def fitted_rows(challenger: Challenger) -> int:
    """As the manifest has it."""
    rows: dict[str, int] = json.loads(challenger.served.manifest_text)["rows"]
    return rows["fitted"]


def unheard(round: int, rounds: int) -> None:
    """Progress that nobody listens to."""


@pytest.fixture
def artifacts() -> FakeArtifacts:
    return FakeArtifacts()


@pytest.fixture
def champion(artifacts: FakeArtifacts) -> Champion:
    return artifacts.store(taught(market(200)))


def later(rows: int, signal: float = 1.0) -> list[Trade]:
    """The champion's 200 trades and `rows` more."""
    return [*market(200), *market(rows, signal, seed=2, first=220)]


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


def test_champions_score_is_that_of_its_stored_model(
    champion: Champion, artifacts: FakeArtifacts
) -> None:
    evidence = compared(taught(later(60), assignment(champion), artifacts))
    booster = lgb.Booster(model_str=artifacts.objects["models/v1/model.txt"].decode())
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


def test_stored_model_is_read_back_and_predicts_the_same(artifacts: FakeArtifacts) -> None:
    trades = loaded(market(150))
    model = load_champion(artifacts.store(taught(market(150))), artifacts)
    fresh = Course.of(trades, {}).fit(trades, unheard)
    np.testing.assert_allclose(model.predict(trades), fresh.predict(trades), rtol=1e-12)


@pytest.mark.parametrize("file", ["model.txt", "manifest.json"])
def test_champion_is_refused_when_a_stored_byte_has_changed(
    champion: Champion, artifacts: FakeArtifacts, file: str
) -> None:
    artifacts.objects[f"models/v1/{file}"] += b" "
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
