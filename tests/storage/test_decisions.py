from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from autoretrain.domain.conditions import decide
from autoretrain.storage.checking import CheckBooks
from tests.faults.wire import Fault, How, Wire
from tests.storage.conftest import Stack
from tests.world import NOW

SLOT = NOW.replace(minute=0, second=0)


def test_every_decision_is_stored_with_every_condition(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0] * 86)
    snapshot = stack.snapshot(strategy_id)

    stack.checking.store_decisions([decide(snapshot, snapshot.policy)], SLOT)

    held = stack.world.one("SELECT * FROM autoretrain.current_decisions")
    assert (held.should_retrain, held.outcome, held.slot) == (False, "too_few_trades", SLOT)
    assert held.reason == "too few trades: 86 of 100"
    assert [condition["name"] for condition in held.conditions] == [
        "initial_training",
        "new_trades",
        "performance_degradation",
        "weekly_schedule",
    ]
    assert held.conditions[0]["figures"]["trades"] == 86


def test_history_grows_only_when_the_outcome_changes(stack: Stack) -> None:
    strategy_id = stack.world.strategy()
    snapshot = stack.snapshot(strategy_id)
    no = decide(snapshot, snapshot.policy)
    yes = replace(no, should_retrain=True, outcome="new_trades", reason="50+ new trades")

    for hour, decision in enumerate([no, no, yes, yes, no]):
        stack.checking.store_decisions([decision], SLOT + timedelta(hours=hour))

    history = stack.world.run("SELECT outcome, slot FROM autoretrain.retrain_decisions ORDER BY id")
    assert [row.outcome for row in history] == ["too_few_trades", "new_trades", "too_few_trades"]
    current = stack.world.one("SELECT outcome, slot FROM autoretrain.current_decisions")
    assert (current.outcome, current.slot) == ("too_few_trades", SLOT + timedelta(hours=4))


def test_decision_is_stored_and_told_once_when_the_answer_to_it_is_lost(own: Stack) -> None:
    strategy_id = own.world.strategy()
    snapshot = own.snapshot(strategy_id)
    wire = Wire(own.url)

    with closing(wire), wire.breaking(Fault(How.CUT, done=True), lambda _: None):
        books = CheckBooks(wire.database())
        books.store_decisions([decide(snapshot, snapshot.policy)], SLOT)

    assert wire.struck == 1
    history = own.world.run("SELECT strategy_id FROM autoretrain.retrain_decisions")
    assert [row.strategy_id for row in history] == [strategy_id]


def test_old_decisions_are_forgotten_but_the_newest_of_each_strategy(stack: Stack) -> None:
    often, once = stack.world.strategy("often"), stack.world.strategy("once")
    for strategy_id, days in [(often, 402), (once, 402), (often, 401), (often, 399)]:
        stack.world.run(
            "INSERT INTO autoretrain.retrain_decisions"
            " (strategy_id, decided_at, should_retrain, outcome, reason, conditions)"
            " VALUES (%s, now() - make_interval(days => %s), false, 'none', '', '[]')",
            strategy_id,
            days,
        )

    stack.dispatching.forget_old_decisions()

    kept = stack.world.run(
        "SELECT strategy_id, extract(day FROM now() - decided_at)::integer AS days"
        " FROM autoretrain.retrain_decisions ORDER BY id"
    )
    assert [(row.strategy_id, row.days) for row in kept] == [(once, 402), (often, 399)]


def test_many_decisions_are_one_statement_and_none_is_fine(stack: Stack) -> None:
    ids = [stack.world.strategy(f"s{n}") for n in range(5)]
    decisions = []
    for strategy_id in ids:
        snapshot = stack.snapshot(strategy_id)
        decisions.append(decide(snapshot, snapshot.policy))

    stack.checking.store_decisions(decisions, SLOT)
    stack.checking.store_decisions([], SLOT)

    held = stack.world.run("SELECT strategy_id FROM autoretrain.current_decisions")
    assert {row.strategy_id for row in held} == set(ids)


def test_tick_summary_counts_what_came_of_the_slot(stack: Stack) -> None:
    ids = [stack.world.strategy(f"s{n}") for n in range(3)]
    for strategy_id in ids:
        snapshot = stack.snapshot(strategy_id)
        stack.checking.store_decisions([decide(snapshot, snapshot.policy)], SLOT)
    stack.claim(ids[0], SLOT)

    summary = stack.dispatching.tick_summary(SLOT)

    assert (summary.checked, summary.retrained, summary.live, summary.skipped) == (3, 0, 1, 2)
