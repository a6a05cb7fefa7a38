from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autoretrain.errors import Invalid
from bench.baselines import BASELINES, NoChange
from bench.batches import Naive, Sliding, Static, is_strictly_better
from bench.forecasting import DAY, FIRST_TRADES, Ints, Rows, forecast
from bench.forest import Forest

HOUR = DAY // 24
NEVER = int(np.iinfo(np.int64).max)
OWN = sorted(set(BASELINES) - {"arf10"})


def rows(trades: int = 400, every: int = HOUR, seed: int = 3) -> Rows:
    """Wins lean on the first input; trades last up to ten hours, some for ever."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(trades, 3))
    decided_at = np.arange(trades, dtype=np.int64) * every
    closed_at = decided_at + rng.integers(1, 10, trades) * HOUR
    closed_at[rng.random(trades) < 0.03] = NEVER
    return Rows(
        decided_at, closed_at, rng.random(trades) < 0.5 + 0.4 * np.sign(inputs[:, 0]), inputs
    )


@pytest.mark.parametrize("name", OWN)
def test_baseline_says_the_same_of_a_trade_when_the_log_ends_soon_after_it(name: str) -> None:
    whole = forecast(rows(), BASELINES[name])
    cut = forecast(rows().first(250), BASELINES[name])

    np.testing.assert_array_equal(cut.probability, whole.probability[:250])


@pytest.mark.parametrize("name", OWN)
def test_baseline_says_the_same_of_a_trade_when_later_outcomes_are_others(name: str) -> None:
    log, row = rows(), 250
    later = log.closed_at > log.decided_at[row]
    other = Rows(log.decided_at, log.closed_at, log.win ^ later, log.inputs)

    told, now = forecast(log, BASELINES[name]), forecast(other, BASELINES[name])

    np.testing.assert_array_equal(now.probability[: row + 1], told.probability[: row + 1])
    if name != "static-100":
        assert not np.array_equal(now.probability, told.probability)


def test_trade_is_known_to_a_decision_of_the_instant_in_which_it_closes() -> None:
    seen: list[list[int]] = []

    class Listening:
        trainings = 0

        def __call__(self, row: int, known: Ints) -> float:
            seen.append(known.tolist())
            return 0.5

    decided_at = np.array([0, 10, 20, 30])
    closed_at = np.array([25, 20, NEVER, 40])
    win = np.array([True, True, False, False])

    forecast(Rows(decided_at, closed_at, win, np.zeros((4, 1))), lambda *_: Listening())

    assert seen == [[], [], [1], [1, 0]]


def test_base_rate_stands_in_until_there_is_a_model() -> None:
    log = rows()
    told = forecast(log, BASELINES["static-100"])

    first = int(np.argmax(told.by_model))
    assert (log.closed_at <= log.decided_at[first - 1]).sum() < 100
    known = log.closed_at <= log.decided_at[first - 1]
    rate = (log.win[known].sum() + 1) / (known.sum() + 2)
    assert told.probability[first - 1] == rate
    assert told.by_model[first:].all()


def test_no_change_repeats_the_last_outcome_that_was_known() -> None:
    log = rows()
    told = forecast(log, NoChange).probability

    for row in (100, 200, 300):
        known = np.flatnonzero(log.closed_at <= log.decided_at[row])
        closed_last = int(np.max(log.closed_at[known]))
        assert told[row] in log.win[known[log.closed_at[known] == closed_last]]


def test_static_is_trained_once() -> None:
    assert forecast(rows(), lambda rows, seed: Static(rows, seed, 150)).trainings == 1
    assert forecast(rows(), lambda rows, seed: Static(rows, seed, 1_000)).trainings == 0


def test_sliding_is_trained_every_week_on_its_window_only() -> None:
    log = rows(trades=1_000)
    hidden = log.decided_at < 20 * DAY
    other = Rows(log.decided_at, log.closed_at, log.win ^ hidden, log.inputs)

    told = forecast(log, lambda rows, seed: Sliding(rows, seed, 7))
    now = forecast(other, lambda rows, seed: Sliding(rows, seed, 7))

    begins = log.decided_at[int(np.argmax(told.by_model))]
    assert told.trainings == (log.decided_at[-1] - begins) // (7 * DAY) + 1
    after = log.decided_at > 35 * DAY
    np.testing.assert_array_equal(now.probability[after], told.probability[after])
    assert not np.array_equal(now.probability, told.probability)


def test_naive_keeps_the_champion_on_a_tie() -> None:
    assert is_strictly_better(0.61, 0.60)
    assert not is_strictly_better(0.60, 0.60)
    assert not is_strictly_better(0.59, 0.60)


def test_naive_serves_the_first_model_for_ever_when_no_other_can_beat_it() -> None:
    log = rows(trades=600)
    easy = Rows(log.decided_at, log.closed_at, log.inputs[:, 0] > 0, np.sign(log.inputs))

    naive = forecast(easy, Naive)
    static = forecast(easy, lambda rows, seed: Static(rows, seed, FIRST_TRADES))

    assert naive.trainings > 5
    np.testing.assert_array_equal(naive.probability, static.probability)


def test_naive_is_trained_for_age_and_for_a_drop_sooner_than_for_new_trades() -> None:
    steady = rows(trades=600)
    easy = Rows(steady.decided_at, steady.closed_at, steady.inputs[:, 0] > 0, steady.inputs)
    slow = rows(trades=600, every=DAY)
    flipped = easy.win ^ (np.arange(600) >= 350)
    turned = Rows(easy.decided_at, easy.closed_at, flipped, easy.inputs)

    usual = forecast(easy, Naive).trainings

    assert usual <= 600 // 50
    assert forecast(slow, Naive).trainings > 50
    assert forecast(turned, Naive).trainings > usual


class FakeForest:
    """Remembers what it was given, and is as sure of a win as its learnt trades were wins."""

    def __init__(self, n_models: int, seed: int) -> None:
        self.n_models, self.seed = n_models, seed
        self.learnt: list[tuple[dict[int, float], bool]] = []

    def learn_one(self, inputs: dict[int, float], win: bool) -> None:
        self.learnt.append((inputs, win))

    def predict_proba_one(self, inputs: dict[int, float]) -> dict[bool, float]:
        return {True: len(inputs) / 10}


def test_forest_learns_every_closed_trade_once_and_is_shown_no_missing_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[FakeForest] = []

    def make(**asked: Any) -> FakeForest:
        made.append(FakeForest(**asked))
        return made[-1]

    monkeypatch.setitem(sys.modules, "river", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "river.forest", SimpleNamespace(ARFClassifier=make))
    log = rows()
    log.inputs[:, 1] = np.nan

    told = forecast(log, Forest, seed=7)

    (forest,) = made
    assert (forest.n_models, forest.seed) == (10, 7)
    assert len(forest.learnt) == (log.closed_at <= log.decided_at[-1]).sum()
    assert all(set(inputs) == {0, 2} for inputs, _ in forest.learnt)
    assert set(told.probability[told.by_model]) == {0.2}


def test_forest_says_how_to_get_river_when_it_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "river.forest", None)

    with pytest.raises(Invalid, match="make bench-learning"):
        forecast(rows(), Forest)
