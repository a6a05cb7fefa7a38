from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from autoretrain.domain.conditions import decide
from autoretrain.domain.gate import Evidence
from autoretrain.storage.clock import DatabaseClock
from tests.lessons import challenger, comparison, declined, rows, too_few
from tests.storage.conftest import Stack
from tests.storage.plans import rows_read, scans_of_trades
from tests.world import NOW

DAY = timedelta(days=1)


def trained(
    stack: Stack, at: datetime, version: str = "v1", name: str = "momentum", **performance: float
) -> UUID:
    """A strategy whose active model was trained then, and promised that."""
    strategy_id = stack.world.strategy(name)
    stack.world.run(
        "UPDATE ai_strategies SET ml_model_version = %s, ml_model_trained_at = %s,"
        " ml_model_performance = %s WHERE id = %s",
        version,
        at,
        json.dumps(performance),
        strategy_id,
    )
    return strategy_id


def test_snapshot_counts_closed_usable_trades_up_to_the_minimum(stack: Stack) -> None:
    strategy_id = stack.world.strategy(ml_min_trades_for_training=60)
    stack.world.trades(strategy_id, [1.0] * 30 + [-1.0] * 20)
    stack.world.trades(strategy_id, [None, float("nan")])
    stack.world.trades(strategy_id, [1.0] * 5, lasts=timedelta(days=400))  # still open
    stack.world.trades(strategy_id, [1.0] * 5, lasts=timedelta(minutes=-1))  # closed too early

    assert stack.snapshot(strategy_id).total_trades == 50
    stack.world.trades(strategy_id, [1.0] * 500)
    assert stack.snapshot(strategy_id).total_trades == 60


def test_snapshot_counts_as_new_what_was_decided_since_the_last_training(stack: Stack) -> None:
    strategy_id = trained(stack, NOW - 10 * DAY)
    stack.world.trades(strategy_id, [1.0] * 30, first=NOW - 20 * DAY)
    stack.world.trades(strategy_id, [1.0] * 7, first=NOW - 10 * DAY)

    assert stack.snapshot(strategy_id).new_trades == 7


def test_snapshot_compares_only_trades_that_were_really_taken(stack: Stack) -> None:
    strategy_id = trained(stack, NOW - 10 * DAY)
    stack.world.trades(strategy_id, [1.0, -1.0, 1.0], first=NOW - 5 * DAY)
    stack.world.trades(strategy_id, [1.0] * 4, first=NOW - 4 * DAY, executed=False)

    snapshot = stack.snapshot(strategy_id)

    assert (snapshot.new_trades, snapshot.recent.count, snapshot.recent.wins) == (7, 3, 2)


def test_snapshot_takes_the_newest_window_of_trades(stack: Stack) -> None:
    strategy_id = trained(stack, NOW - 30 * DAY)
    stack.world.trades(strategy_id, [1.0] * 40, first=NOW - 20 * DAY)
    stack.world.trades(strategy_id, [-1.0] * 45, first=NOW - 10 * DAY)

    recent = stack.snapshot(strategy_id).recent

    assert (recent.count, recent.wins) == (50, 5)


def test_snapshot_counts_predictions_of_the_active_version_only(stack: Stack) -> None:
    strategy_id = trained(stack, NOW - 10 * DAY, "v2", accuracy=0.7, win_rate=0.4)
    said: dict[str, Any] = {"first": NOW - 5 * DAY, "win_probability": 0.8}
    stack.world.trades(strategy_id, [1.0, 1.0, -1.0], model_version="v2", **said)
    stack.world.trades(strategy_id, [1.0] * 4, model_version="v1", **said)
    stack.world.trades(strategy_id, [1.0] * 2, first=NOW - 5 * DAY)

    snapshot = stack.snapshot(strategy_id)

    assert (snapshot.recent.count, snapshot.recent.predicted, snapshot.recent.correct) == (9, 3, 2)
    assert snapshot.recent.mean_confidence == pytest.approx(0.8)
    assert (snapshot.expected_accuracy, snapshot.expected_win_rate) == (0.7, 0.4)


@pytest.mark.parametrize("stored", ['{"accuracy": "high"}', '{"accuracy": 61.5}', "[]", "7"])
def test_snapshot_takes_an_accuracy_that_is_none_for_absent(stack: Stack, stored: str) -> None:
    strategy_id = stack.world.strategy(ml_model_performance=stored)

    assert stack.snapshot(strategy_id).expected_accuracy is None


@pytest.mark.parametrize(("asked", "counted"), [(-5, 60), (10, 60), (250, 250)])
def test_snapshot_keeps_the_minimum_of_trades_in_its_range(
    own: Stack, asked: int, counted: int
) -> None:
    # A table of the user's own need not have the constraint that ours has.
    own.world.run(
        "ALTER TABLE ai_strategies DROP CONSTRAINT ai_strategies_ml_min_trades_for_training_check"
    )
    strategy_id = own.world.strategy(ml_min_trades_for_training=asked)

    assert own.snapshot(strategy_id).policy.min_trades == counted


def test_snapshot_reads_many_strategies_in_one_query_and_leaves_unknown_ones_out(
    stack: Stack,
) -> None:
    ids = [stack.world.strategy(f"s{n}") for n in range(3)]
    stack.world.trades(ids[1], [1.0] * 9)

    found = stack.checking.snapshots([*ids, uuid4()])

    assert {one.strategy_id: one.total_trades for one in found} == {
        ids[0]: 0,
        ids[1]: 9,
        ids[2]: 0,
    }


@pytest.mark.parametrize(
    "statement_",
    [
        pytest.param("UPDATE ai_strategies SET is_active = false", id="inactive"),
        pytest.param("UPDATE ai_strategies SET ml_training_enabled = false", id="disabled"),
        pytest.param("UPDATE autoretrain.strategy_training SET paused_reason = 'x'", id="paused"),
    ],
)
def test_strategy_is_not_checked_when_it_is_out_of_the_game(stack: Stack, statement_: str) -> None:
    strategy_id = stack.world.strategy()
    stack.world.run(statement_)

    assert stack.dispatching.strategies_to_check() == []
    assert not stack.snapshot(strategy_id).checkable


def test_new_strategy_is_enrolled_by_the_tick(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    stack.world.run("DELETE FROM autoretrain.strategy_training")

    stack.dispatching.enrol_strategies()
    stack.dispatching.enrol_strategies()

    (due,) = stack.dispatching.strategies_to_check()
    assert (due.strategy_id, due.checkable) == (strategy_id, True)


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(comparison(0.60, 0.69), id="activated"),
        pytest.param(comparison(0.70, 0.69), id="kept"),
        pytest.param(too_few(), id="too few rows"),
        pytest.param(None, id="declined"),
    ],
)
def test_check_on_unchanged_trades_says_no_after_any_finished_training(
    stack: Stack, evidence: Evidence | None
) -> None:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, -1.0] * 300)
    snapshot = stack.snapshot(strategy_id)
    assert decide(snapshot, snapshot.policy).should_retrain
    assignment = stack.running(strategy_id)
    now = DatabaseClock(stack.database()).now()
    if evidence is None:
        stack.training.decline(assignment, replace(declined(), rows=rows(as_of=now)))
    else:
        finished = challenger(evidence, rows=rows(as_of=now))
        stack.training.publish(assignment, finished, "key", now)

    snapshot = stack.snapshot(strategy_id)

    assert not decide(snapshot, snapshot.policy).should_retrain


def test_check_after_a_training_says_no_whatever_the_trades_are(own: Stack) -> None:
    rng = np.random.default_rng(5)
    for case in range(25):
        strategy_id = own.world.strategy(f"case {case}")
        for _ in range(6):
            own.world.trades(
                strategy_id,
                rng.normal(size=60).tolist(),
                first=NOW - timedelta(days=float(rng.uniform(-3, 40))),
                every=timedelta(minutes=float(rng.choice([0, 1, 300]))),
                lasts=timedelta(hours=float(rng.choice([-1, 0, 1, 100, 10_000]))),
                executed=bool(rng.random() < 0.7),
            )
        assignment = own.running(strategy_id, f"task/{case}")
        now = DatabaseClock(own.database()).now()
        # A trade that is decided and closed in the very instant of the reading was read.
        own.training.publish(assignment, challenger(rows=rows(as_of=now)), "key", now)

        snapshot = own.snapshot(strategy_id, now)

        assert not decide(snapshot, snapshot.policy).should_retrain
        own.close()


def test_check_reads_what_is_new_however_long_the_history(own: Stack) -> None:
    strategies = [trained(own, NOW - DAY, name=f"s{n}") for n in range(4)]
    own.world.run(
        "INSERT INTO trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct)"
        " SELECT id, 'BTC', 'long', now() - n * interval '1 hour',"
        " now() - n * interval '1 hour' + interval '1 min', 1"
        " FROM ai_strategies, generate_series(1, 10000) n",
    )
    own.world.vacuum()
    scans = scans_of_trades(
        own.world,
        "snapshots_of",
        strategy_ids=f"'{{{strategies[0]}}}'::uuid[]",
        as_of="now()",
        block_trades="50",
        newest_trades="2000",
        tenths="10",
    )

    assert scans
    assert "Seq Scan" not in {scan["Node Type"] for scan in scans}
    assert rows_read(scans) <= 100 + 24
