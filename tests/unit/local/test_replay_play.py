from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from autoretrain_local.replay.log import Log
from autoretrain_local.replay.play import Pace, Played, Variant, play
from autoretrain_local.replay.serving import NO_MODEL
from autoretrain_local.replay.settings import Settings, settings_of
from autoretrain_trainer.rows import to_datetime
from tests.unit.local.replay_logs import Row, changed, log_of, market

TOLERANCE = 1e-9
AT_ONCE = Pace()
ROWS = market(340, flip_at=200)
LENIENT = settings_of({"activation_mode": "if_not_worse", "new_trades_threshold": 30})
CALIBRATED = settings_of({"degradation_rule": "calibrated", "activation_mode": "if_not_worse"})


def told(log: Log, played: Played) -> dict[str, tuple[float, str]]:
    """What bots were told of each trade, by its id."""
    said = played.said
    return {
        trade_id: (
            float(said.probability[row]),
            "" if said.version[row] == NO_MODEL else said.versions[said.version[row]],
        )
        for row, trade_id in enumerate(log.trade_ids)
    }


def told_of(
    rows: Sequence[Row], folder: Path, settings: Settings, pace: Pace = AT_ONCE
) -> dict[str, tuple[float, str]]:
    log = log_of(rows, folder)
    return told(log, play(log, settings, pace=pace))


def until(rows: Sequence[Row], moment: str) -> list[str]:
    """The trades that were decided at that moment or before."""
    return [row["trade_id"] for row in rows if row["decided_at"] <= moment]


def truncated(rows: Sequence[Row], moment: str) -> list[Row]:
    return [row for row in rows if row["decided_at"] <= moment]


def unfinished(rows: Sequence[Row], moment: str) -> list[Row]:
    """As a log that was written at that moment: what closed later is open still."""
    return [
        changed(row, closed_at="", pnl_pct="", win="") if row["closed_at"] > moment else row
        for row in truncated(rows, moment)
    ]


def flipped(rows: Sequence[Row], moment: str) -> list[Row]:
    """What closes later, or has not, ends the other way round."""
    return [
        changed(row, pnl_pct=-float(row["pnl_pct"]), win=1 - int(row["win"]))
        if row["closed_at"] > moment
        else row
        for row in rows
    ]


def left_open(rows: Sequence[Row], moment: str) -> list[Row]:
    """Every second trade that closes later never does; the others take a month."""
    later = [row["trade_id"] for row in rows if row["closed_at"] > moment]
    month = "2024-03-01T00:00:00Z"
    return [
        row
        if row["trade_id"] not in later
        else changed(row, closed_at=month)
        if later.index(row["trade_id"]) % 2
        else changed(row, closed_at="", pnl_pct="", win="")
        for row in rows
    ]


def half_blank(rows: Sequence[Row], moment: str) -> list[Row]:
    """What closes later lacks its end, but not its result."""
    return [changed(row, closed_at="") if row["closed_at"] > moment else row for row in rows]


def other_features(rows: Sequence[Row], moment: str) -> list[Row]:
    """What is decided later looks like nothing before, in a symbol of its own."""
    return [
        changed(row, f_rsi=77, f_noise="", symbol="A-NEW-ONE")
        if row["decided_at"] > moment
        else row
        for row in rows
    ]


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Settings, Pace], dict[str, tuple[float, str]]]:
    known: dict[tuple[int, Pace], dict[str, tuple[float, str]]] = {}

    def of(settings: Settings, pace: Pace) -> dict[str, tuple[float, str]]:
        key = id(settings), pace
        if key not in known:
            known[key] = told_of(ROWS, tmp_path_factory.mktemp("whole"), settings, pace)
        return known[key]

    return of


@pytest.mark.parametrize("settings", [LENIENT, CALIBRATED], ids=["ratio", "calibrated"])
@pytest.mark.parametrize("pace", [AT_ONCE, Pace(training_minutes=90)], ids=["at once", "slow"])
@pytest.mark.parametrize(
    "tamper", [truncated, unfinished, flipped, left_open, half_blank, other_features]
)
def test_prediction_does_not_depend_on_what_comes_after_its_decision(
    tmp_path: Path,
    whole: Callable[[Settings, Pace], dict[str, tuple[float, str]]],
    tamper: Callable[[Sequence[Row], str], list[Row]],
    pace: Pace,
    settings: Settings,
) -> None:
    chance = random.Random(f"{tamper.__name__} {pace} {settings.policy.degradation_rule}")
    expected = whole(settings, pace)
    for number in (150, chance.randint(110, 330)):
        moment = ROWS[number]["decided_at"]

        found = told_of(tamper(ROWS, moment), tmp_path, settings, pace)

        before = until(ROWS, moment)
        assert [found[one][1] for one in before] == [expected[one][1] for one in before]
        assert np.allclose(
            [found[one][0] for one in before],
            [expected[one][0] for one in before],
            rtol=0,
            atol=TOLERANCE,
        )


def test_predictions_of_later_trades_do_change_when_earlier_outcomes_do(tmp_path: Path) -> None:
    moment = ROWS[120]["decided_at"]

    one, other = (told_of(rows, tmp_path, LENIENT) for rows in (ROWS, flipped(ROWS, moment)))

    differing = [trade for trade in one if abs(one[trade][0] - other[trade][0]) > TOLERANCE]
    assert len(differing) > 100


def test_same_trades_give_the_same_predictions_in_whatever_order_the_file_has_them(
    tmp_path: Path,
) -> None:
    shuffled = random.Random(3).sample(ROWS, len(ROWS))

    assert told_of(ROWS, tmp_path, LENIENT) == told_of(shuffled, tmp_path, LENIENT)


@pytest.mark.parametrize(
    "given",
    [
        {"activation_mode": "if_not_worse"},
        {"degradation_rule": "calibrated", "max_age_days": 2.5},
        {"new_trades_threshold": 1000, "max_age_days": 1.3},
        {"new_trades_threshold": 20, "model_max_age_days": 0.4},
        {"new_trades_threshold": 1000, "feature_drift_psi": 0.05},
    ],
    ids=str,
)
@pytest.mark.parametrize("training_minutes", [0, 75])
def test_skipped_ticks_change_nothing(
    tmp_path: Path, given: dict[str, object], training_minutes: int
) -> None:
    log, settings = log_of(market(260, every_hours=2.3), tmp_path), settings_of(given)

    quick, slow = (
        play(log, settings, pace=Pace(30, training_minutes, every_tick))
        for every_tick in (False, True)
    )

    assert [replace(one, seconds=0) for one in quick.trainings] == [
        replace(one, seconds=0) for one in slow.trainings
    ]
    assert told(log, quick) == told(log, slow)
    assert len(quick.trainings) > 2


def test_first_model_is_trained_on_the_first_tick_that_sees_enough_trades(tmp_path: Path) -> None:
    log = log_of(ROWS, tmp_path)

    first, *_ = play(log, Settings()).trainings

    hundredth = to_datetime(int(log.usable_closings[99]))
    assert (first.condition, first.version) == ("initial_training", "v1")
    assert timedelta(0) <= first.at - hundredth < timedelta(hours=1)


def test_model_serves_what_is_decided_after_its_activation_and_nothing_before(
    tmp_path: Path,
) -> None:
    log = log_of(ROWS, tmp_path)

    for minutes in (0, 150):
        played = play(log, LENIENT, pace=Pace(training_minutes=minutes))
        said = played.said
        for training in played.activations:
            live_from = training.at + timedelta(minutes=minutes)
            version = said.versions.index(training.version or "")
            moments = [to_datetime(int(at)) for at in log.decided_at[said.version >= version]]
            assert min(moments) > live_from
            later = [to_datetime(int(at)) > live_from for at in log.decided_at]
            assert (said.version[later] >= version).all()


def test_bots_have_the_base_rate_until_a_model_is_live(tmp_path: Path) -> None:
    log = log_of(ROWS, tmp_path)

    said = play(log, LENIENT).said

    unserved = np.flatnonzero(said.version == NO_MODEL)
    assert len(unserved) >= 100
    for row in unserved:
        closed = log.usable & (log.closed_at < log.decided_at[row])
        wins = int((log.pnl_pct[closed] > 0).sum())
        assert said.probability[row] == pytest.approx((wins + 1) / (closed.sum() + 2))


def test_bots_go_back_to_the_base_rate_when_the_model_is_too_old(tmp_path: Path) -> None:
    log = log_of(ROWS, tmp_path)
    settings = settings_of(
        {"model_max_age_days": 1, "new_trades_threshold": 1000, "degradation_ratio": 0.01}
    )

    played = play(log, settings)

    (first,) = played.activations
    moments = [to_datetime(int(at)) for at in log.decided_at]
    for moment, version in zip(moments, played.said.version, strict=True):
        live = first.at < moment < first.at + timedelta(days=1)
        assert (version != NO_MODEL) == live


def test_never_retrain_stays_with_the_first_model(tmp_path: Path) -> None:
    log = log_of(ROWS, tmp_path)

    policy, never = (play(log, LENIENT, variant) for variant in list(Variant)[:2])

    assert [one.version for one in never.activations] == ["v1"]
    assert list(never.said.versions) == ["v1"]
    assert (never.said.version[-1], policy.said.version[-1] > 0) == (0, True)
    until_second = policy.said.version <= 0
    assert np.array_equal(
        never.said.probability[until_second], policy.said.probability[until_second]
    )


def test_always_retrain_activates_every_model(tmp_path: Path) -> None:
    noise = [changed(row, f_rsi=row["f_noise"]) for row in ROWS]
    log, settings = log_of(noise, tmp_path), settings_of({"activation_mode": "always"})

    policy, _, always = (play(log, Settings(), variant) for variant in Variant)

    assert len(policy.activations) < len(policy.trainings)
    assert all(training.activated for training in always.trainings)
    assert told(log, always) == told(log, play(log, settings))


def test_nothing_goes_live_without_a_person_when_activations_need_approval(tmp_path: Path) -> None:
    played = play(log_of(ROWS, tmp_path), settings_of({"activation_mode": "approve"}))

    assert played.trainings
    assert played.activations == []
    assert (played.said.version == NO_MODEL).all()


def test_failed_trainings_back_off_and_then_pause_the_strategy(tmp_path: Path) -> None:
    leaking = [changed(row, f_exit_price=row["pnl_pct"] or 0) for row in ROWS]
    log = log_of(leaking, tmp_path)

    played = play(log, Settings())

    assert Counter(one.outcome for one in played.trainings) == {"failed: exit_only_feature": 5}
    moments = [one.at for one in played.trainings]
    rests = [later - earlier for earlier, later in pairwise(moments)]
    assert rests == [timedelta(hours=hours) for hours in (1, 2, 4, 8)]
    assert played.paused_at == moments[-1]
    assert "f_exit_price" not in played.trainings[-1].line
    assert "exit_price" in played.trainings[-1].line


def test_training_that_takes_time_reads_what_had_closed_when_it_began(tmp_path: Path) -> None:
    log = log_of(ROWS, tmp_path)

    at_once, slow = (
        play(log, LENIENT, pace=Pace(training_minutes=minutes)) for minutes in (0, 600)
    )

    assert at_once.trainings[0].line == slow.trainings[0].line
    assert slow.trainings[1].at - slow.trainings[0].at >= timedelta(minutes=600)


@pytest.mark.parametrize("trades", [0, 1, 99])
def test_log_that_is_too_short_is_never_trained(tmp_path: Path, trades: int) -> None:
    rows = market(99)[:trades] or [changed(ROWS[0], closed_at="", pnl_pct="", win="")]

    played = play(log_of(rows, tmp_path), Settings())

    assert played.trainings == []
    assert len(played.said.probability) == len(rows)


def test_feature_that_appears_half_way_is_learnt_from_then_on(tmp_path: Path) -> None:
    rows = [
        changed(row, f_late=row["f_rsi"] if number > 180 else "", f_rsi=row["f_noise"])
        for number, row in enumerate(market(400))
    ]
    log = log_of(rows, tmp_path)

    played = play(log, LENIENT)

    win = log.pnl_pct > 0
    late = log.usable & (np.arange(len(log)) > 320)
    assert ((played.said.probability[late] >= 0.5) == win[late]).mean() > 0.65


def test_rows_that_make_no_sense_are_dropped_by_the_training_as_in_production(
    tmp_path: Path,
) -> None:
    rows = [
        changed(row, win=1 - int(row["win"])) if number % 20 == 0 and row["win"] else row
        for number, row in enumerate(ROWS)
    ]
    log = log_of(rows, tmp_path)

    played = play(log, LENIENT)

    assert played.activations
    assert len(played.said.probability) == len(rows)
