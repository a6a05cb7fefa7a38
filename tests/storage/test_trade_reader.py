from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest

from autoretrain.domain.models import Assignment, Challenger
from autoretrain.domain.work import Progress
from autoretrain.errors import DataError
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.named import statement
from autoretrain_trainer.learner import LightGBMLearner
from autoretrain_trainer.rows import Trades, load_trades
from tests.storage.conftest import Stack
from tests.storage.plans import trades_scanned
from tests.world import NOW


def read(stack: Stack, strategy_id: UUID, newest: int = 1000) -> Trades:
    as_of = DatabaseClock(stack.database()).now()
    with stack.training.read_trades(strategy_id, as_of, newest) as reader:
        return load_trades(reader, reader.features(), newest)


def test_trades_arrive_as_they_were_written(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    features: list[dict[str, object]] = [
        {"rsi": 31.5, "adx": 20},
        {"adx": None, "rsi": 1e-3},
        {"note": "x", "adx": 7},
    ]
    stack.world.trades(strategy_id, [1.5, -2.0, 0.25], features=features)
    stack.world.trades(strategy_id, [1.0] * 7, first=NOW - timedelta(days=2))
    stack.world.trades(strategy_id, [-0.5], first=NOW, lasts=-timedelta(days=1))
    stack.world.trades(stack.world.strategy("other"), [9.0] * 5)

    trades = read(stack, strategy_id)

    assert trades.pnl_pct.tolist()[:3] == [1.5, -2.0, 0.25]
    assert trades.dropped == {"closed before decided": 1}
    assert trades.win.tolist()[:3] == [True, False, True]
    assert trades.features == ("adx", "rsi")
    assert trades.values[:3, 0].tolist()[0::2] == [20.0, 7.0]


def test_win_probabilities_arrive_where_trades_carry_them(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, 2.0])
    # What a bot was told without a model is the base rate.
    stack.world.trades(strategy_id, [3.0], first=NOW - timedelta(days=2), win_probability=0.5)
    day = NOW - timedelta(days=1)
    stack.world.trades(strategy_id, [4.0], first=day, win_probability=0.625, model_version="v1")

    told = read(stack, strategy_id).win_probability

    assert np.isnan(told[:3]).all()
    assert told[3] == 0.625


def test_reader_takes_the_newest_trades_only(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [float(n) for n in range(1, 21)])

    assert read(stack, strategy_id, newest=5).pnl_pct.tolist() == [16.0, 17.0, 18.0, 19.0, 20.0]


def test_feature_that_holds_text_now_and_then_counts_where_it_is_a_number(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, 1.0], features=[{"x": "n/a"}, {"x": 3}])

    with stack.training.read_trades(strategy_id, DatabaseClock(stack.database()).now(), 9) as found:
        (feature,) = found.features()
        assert feature == "x"
        trades = load_trades(found, [feature], 9)

    values = trades.values[:, 0]
    assert np.isnan(values[0])
    assert values[1] == 3


def test_words_and_other_things_beside_it_do_not_hide_a_number(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    features: list[dict[str, object]] = [
        {"x": 1, "regime": "bull"},
        {"x": None, "regime": "bear"},
        {"x": "2", "regime": "bear"},
        {"x": True, "regime": 7},
        {"x": {"y": 3}, "tags": ["a"]},
        {"x": 4, "tags": []},
    ]
    stack.world.trades(strategy_id, [1.0] * 7, features=[*features, {}])

    trades = read(stack, strategy_id)

    assert trades.features == ("regime", "x")
    np.testing.assert_equal(trades.values[:, 0], [np.nan] * 3 + [7] + [np.nan] * 3)
    np.testing.assert_equal(trades.values[:, 1], [1] + [np.nan] * 4 + [4, np.nan])


def test_symbols_arrive_by_name(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    for symbol in ("ETH", "BTC"):
        stack.world.trades(strategy_id, [1.0], symbol=symbol)

    trades = read(stack, strategy_id)

    assert trades.symbols == ("BTC", "ETH")
    assert sorted(trades.symbol.tolist()) == [0, 1]


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a%b", "%s", "ü ñ", "a\\b", "features"])
def test_feature_may_be_called_anything(stack: Stack, name: str) -> None:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0], features=[{name: 4}])

    with stack.training.read_trades(strategy_id, DatabaseClock(stack.database()).now(), 9) as found:
        (feature,) = found.features()
        assert feature == name
        assert load_trades(found, [feature], 9).values.tolist() == [[4.0]]


def test_number_that_no_float_holds_fails_as_the_users_to_correct(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0], features=[{"x": 1}])
    stack.world.run("UPDATE trades SET features = '{\"x\": 1e400}'")

    with pytest.raises(DataError, match=r"cannot be used.*out of range"):
        read(stack, strategy_id)


class NoArtifacts:
    def get(self, key: str, sha256: str) -> bytes:
        raise AssertionError(key)

    def put(self, key: str, content: bytes, content_type: str) -> None:
        raise AssertionError(key)


def silent(phase: str, round: int = 0, rounds: int = 0) -> None:
    assert Progress(phase, round, rounds)


def learn(stack: Stack, assignment: Assignment) -> Challenger:
    learner = LightGBMLearner(stack.training, NoArtifacts())
    lesson = learner.learn(assignment, DatabaseClock(stack.database()).now(), silent)
    assert isinstance(lesson, Challenger)
    return lesson


def test_shuffled_jsonb_keys_and_insertion_order_give_the_same_model(own: Stack) -> None:
    rng = np.random.default_rng(7)
    rows = [
        {"rsi": float(a), "adx_long_name": float(b), "m": float(c)}
        for a, b, c in rng.normal(size=(150, 3))
    ]
    pnl = [1.0 if row["rsi"] + row["m"] > 0 else -1.0 for row in rows]
    texts = []
    for flip in (1, -1):
        strategy_id = own.world.strategy(f"s{flip}")
        written = [dict(list(row.items())[::flip]) for row in rows]
        assert json.dumps(written[0]) != json.dumps(rows[0]) or flip == 1
        own.world.trades(strategy_id, pnl, features=written)
        challenger = learn(own, own.running(strategy_id, f"task/{flip}"))
        texts.append(challenger.served.model_text)

    assert texts[0] == texts[1]


def test_same_run_twice_gives_the_same_model_and_row_hash(own: Stack) -> None:
    strategy_id = own.world.strategy()
    rng = np.random.default_rng(3)
    values = rng.normal(size=150)
    own.world.trades(
        strategy_id,
        [1.0 if value > 0 else -1.0 for value in values + rng.normal(size=150)],
        features=[{"x": float(value)} for value in values],
    )
    assignment = own.running(strategy_id)

    first, second = learn(own, assignment), learn(own, assignment)

    assert first.served.sha256 == second.served.sha256
    assert first.rows.data_hash == second.rows.data_hash


@pytest.mark.parametrize("name", ["training_trades", "trade_names"])
def test_reader_looks_at_no_more_trades_than_it_takes(own: Stack, name: str) -> None:
    strategy_id = own.world.strategy()
    own.world.trades(strategy_id, [1.0, -1.0] * 2000, every=timedelta(minutes=5))
    own.world.vacuum()
    values = {"strategy_id": f"'{strategy_id}'", "as_of": "now()", "newest": "100", "words": "'{}'"}

    scans = trades_scanned(own.world, statement(name).rstrip(";") % values)

    # Whoever asks for names does so twice: for what the newest know, and for what those do not.
    # Rows are sorted by their id in groups: the last group may be read whole.
    taken = [scan["Actual Rows"] for scan in scans if scan["Actual Rows"]]
    assert len(taken) <= 2
    assert max(taken) <= 200


def test_feature_that_only_an_old_trade_has_is_found(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    features: list[dict[str, object]] = [{"old": 1.0, "x": 1.0}]
    features += [{"x": 2.0, "word": "a"} for _ in range(1100)]
    stack.world.trades(strategy_id, [1.0] * len(features), features=features)

    with stack.training.read_trades(
        strategy_id, DatabaseClock(stack.database()).now(), 5000
    ) as found:
        assert found.features() == ["old", "x"]
