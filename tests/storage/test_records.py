from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from autoretrain.domain.degradation import BLOCK_TRADES, Calls
from autoretrain.domain.gate import Comparison
from tests.lessons import challenger, comparison
from tests.storage.conftest import Stack
from tests.storage.plans import rows_read, scans_of_trades
from tests.world import NOW

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
JUDGED = (Calls(5, 200, 130), Calls(7, 40, 33))


@pytest.fixture
def strategy(stack: Stack) -> UUID:
    """With v1, judged and active for twenty days."""
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, -1.0] * 60)
    publish(stack, strategy_id, NOW - 20 * DAY)
    return strategy_id


FIRST, BETTER = comparison(0.60, 0.69), comparison(0.60, 0.69, "v1")
SLIGHTLY_WORSE = comparison(0.70, 0.69, "v1", z=-1.0)


def publish(stack: Stack, strategy_id: UUID, now: datetime, found: Comparison = FIRST) -> bool:
    evidence = replace(found, calls=JUDGED)
    assignment = stack.running(strategy_id)
    return stack.training.publish(assignment, challenger(evidence), f"k/{now}", now).activated


def called(
    stack: Stack, strategy_id: UUID, pnl_pcts: Sequence[float | None], **columns: Any
) -> None:
    said: dict[str, Any] = {"model_version": "v1", "win_probability": 0.55, "first": NOW - 10 * DAY}
    stack.world.trades(strategy_id, pnl_pcts, **said | columns)


def live(stack: Stack, strategy_id: UUID) -> tuple[tuple[Calls, ...], ...]:
    return stack.snapshot(strategy_id).record.live


def test_record_has_what_was_judged_and_what_came_since_in_blocks(
    stack: Stack, strategy: UUID
) -> None:
    called(stack, strategy, [1.0] * BLOCK_TRADES + [-1.0] * 3)
    called(stack, strategy, [-1.0, 1.0], win_probability=0.2, first=NOW - DAY)
    called(stack, strategy, [1.0], win_probability=1.0, first=NOW - HOUR)

    record = stack.snapshot(strategy).record

    assert record.judged == JUDGED
    assert record.live == (
        (Calls(5, BLOCK_TRADES, BLOCK_TRADES),),
        (Calls(2, 2, 1), Calls(5, 3, 0), Calls(9, 1, 1)),
    )


def test_record_counts_what_bots_did_not_take(stack: Stack, strategy: UUID) -> None:
    called(stack, strategy, [1.0] * 4, executed=False)

    assert live(stack, strategy) == ((Calls(5, 4, 4),),)


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"model_version": "v0"}, id="another version"),
        pytest.param({"model_version": None}, id="no version"),
        pytest.param({"win_probability": None}, id="no probability"),
        pytest.param({"first": NOW - 21 * DAY}, id="before the activation"),
        pytest.param({"lasts": timedelta(days=400)}, id="still open"),
        pytest.param({"lasts": timedelta(minutes=-1)}, id="closed before it was decided"),
    ],
)
def test_record_leaves_out_what_the_active_model_did_not_call(
    stack: Stack, strategy: UUID, columns: dict[str, Any]
) -> None:
    called(stack, strategy, [1.0] * 2, **columns)
    called(stack, strategy, [None, float("nan")])

    assert live(stack, strategy) == ()


def test_training_that_keeps_the_champion_does_not_reset_its_record(
    stack: Stack, strategy: UUID
) -> None:
    called(stack, strategy, [1.0] * 5)

    assert not publish(stack, strategy, NOW - 2 * DAY, SLIGHTLY_WORSE)
    assert live(stack, strategy) == ((Calls(5, 5, 5),),)


def test_activation_begins_a_new_record(stack: Stack, strategy: UUID) -> None:
    called(stack, strategy, [1.0] * 5)
    publish(stack, strategy, NOW - 2 * DAY, BETTER)
    called(stack, strategy, [1.0] * 3, model_version="v2", first=NOW - DAY)

    assert live(stack, strategy) == ((Calls(5, 3, 3),),)


def test_model_that_was_judged_without_probabilities_has_no_expectation(
    stack: Stack, strategy: UUID
) -> None:
    stack.world.run("UPDATE autoretrain.model_artifacts SET verdict = verdict - 'calls'")

    assert stack.snapshot(strategy).record.judged == ()


def test_strategy_without_a_model_has_no_record(stack: Stack) -> None:
    record = stack.snapshot(stack.world.strategy()).record

    assert (record.judged, record.live) == ((), ())


def test_degraded_champion_gives_way_under_if_not_worse(stack: Stack, strategy: UUID) -> None:
    stack.world.run(
        "UPDATE autoretrain.strategy_training SET activation_mode = 'if_not_worse',"
        " max_age_days = 365"
    )
    called(stack, strategy, [-1.0] * 29)
    held = publish(stack, strategy, NOW - 2 * DAY, SLIGHTLY_WORSE)
    called(stack, strategy, [-1.0] * 60, first=NOW - 9 * DAY)

    assert (held, publish(stack, strategy, NOW - DAY, SLIGHTLY_WORSE)) == (False, True)


def test_ratio_alone_never_makes_a_champion_give_way(stack: Stack, strategy: UUID) -> None:
    stack.world.run(
        "UPDATE autoretrain.strategy_training SET activation_mode = 'if_not_worse',"
        " max_age_days = 365"
    )
    stack.world.trades(strategy, [-1.0] * 90, first=NOW - 10 * DAY)

    assert not publish(stack, strategy, NOW - DAY, SLIGHTLY_WORSE)


def test_rule_of_the_strategy_reaches_the_decision(stack: Stack, strategy: UUID) -> None:
    stack.world.run("UPDATE autoretrain.strategy_training SET degradation_rule = 'calibrated'")

    assert stack.snapshot(strategy).policy.degradation_rule == "calibrated"


def test_record_of_a_long_reign_is_read_up_to_a_bound_from_an_index(own: Stack) -> None:
    strategy_id = own.world.strategy()
    own.world.trades(strategy_id, [1.0, -1.0] * 60)
    publish(own, strategy_id, NOW - 900 * DAY)
    own.world.strategy("another")
    own.world.run(
        "INSERT INTO trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct,"
        " model_version, win_probability)"
        " SELECT id, 'BTC', 'long', now() - n * interval '20 min',"
        " now() - n * interval '20 min' + interval '1 min', 1, 'v1', 0.55"
        " FROM ai_strategies, generate_series(1, 40000) n",
    )
    own.world.vacuum()
    scans = scans_of_trades(
        own.world,
        "champion_records",
        strategy_ids=f"'{{{strategy_id}}}'::uuid[]",
        as_of="now()",
        block_trades="50",
        newest_trades="2000",
        tenths="10",
    )
    assert [scan["Node Type"] for scan in scans] == ["Index Only Scan"]
    assert rows_read(scans) <= 2000
    assert sum(calls.trades for block in live(own, strategy_id) for calls in block) == 2000
