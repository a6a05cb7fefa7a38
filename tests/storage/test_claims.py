from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest

from autoretrain.domain.conditions import decide
from autoretrain.domain.json import Json
from autoretrain.domain.work import Claimed, NotClaimed
from autoretrain.services.check import Checker
from autoretrain.services.dispatch import Dispatcher
from autoretrain.services.launch import Launcher
from autoretrain.storage.checking import CheckBooks
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.dispatching import DispatchBooks
from autoretrain.storage.launching import LaunchBooks
from tests.lessons import challenger, comparison, declined, rows
from tests.storage.conftest import Stack
from tests.world import NOW

SLOT = NOW.replace(minute=0, second=0)


class NoTasks:
    def launch(self, run_id: UUID, attempt: int) -> str:
        return f"task/{run_id}-{attempt}"


def due(stack: Stack, name: str = "momentum") -> UUID:
    strategy_id = stack.world.strategy(name)
    stack.world.trades(strategy_id, [1.0, -1.0] * 60)
    return strategy_id


def fences(stack: Stack) -> list[tuple[int, int]]:
    rows = stack.world.run(
        "SELECT t.fence AS strategy, r.fence AS run FROM autoretrain.strategy_training t"
        " JOIN autoretrain.training_runs r USING (strategy_id)"
    )
    return [tuple(row) for row in rows]


def test_claim_makes_one_queued_run_behind_a_new_fence(stack: Stack) -> None:
    strategy_id = due(stack)

    claimed = stack.claim(strategy_id, SLOT)

    assert isinstance(claimed, Claimed)
    assert fences(stack) == [(1, 1)]
    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.id, run.status, run.slot, run.lease_expires_at) == (
        claimed.run_id,
        "queued",
        SLOT,
        None,
    )


def test_claim_names_the_live_run_when_there_is_one(stack: Stack) -> None:
    strategy_id = due(stack)
    first = stack.queued(strategy_id)

    second = stack.claim(strategy_id)

    assert second == NotClaimed("live_run", "a training is already on its way: it is queued", first)
    assert fences(stack) == [(1, 1)]


def test_claim_is_refused_when_the_slot_has_had_its_run(stack: Stack) -> None:
    strategy_id = due(stack)
    assert isinstance(stack.claim(strategy_id, SLOT), Claimed)
    stack.world.run(
        "UPDATE autoretrain.training_runs SET status = 'succeeded', finished_at = now()"
    )

    again = stack.claim(strategy_id, SLOT)

    assert isinstance(again, NotClaimed)
    assert again.code == "slot_done"


def test_claim_is_refused_when_a_training_finished_after_the_figures_were_read(
    stack: Stack,
) -> None:
    strategy_id = due(stack)
    request = stack.request(strategy_id)
    stack.training.decline(stack.running(strategy_id), declined())

    late = stack.checking.claim(request)

    assert isinstance(late, NotClaimed)
    assert late.code == "figures_stale"


def test_claim_is_refused_while_the_strategy_rests_but_not_to_a_person(stack: Stack) -> None:
    strategy_id = due(stack)
    stack.training.fail(stack.running(strategy_id), "suspected_leak", "no")
    request = stack.request(strategy_id)

    resting = stack.checking.claim(request)
    by_hand = stack.checking.claim(
        type(request)(strategy_id, request.user_id, "by hand", None, manual=True)
    )

    assert isinstance(resting, NotClaimed)
    assert resting.code == "backing_off"
    assert isinstance(by_hand, Claimed)


def test_claim_is_refused_while_the_strategy_is_paused(stack: Stack) -> None:
    strategy_id = due(stack)
    request = stack.request(strategy_id)
    stack.world.run("UPDATE autoretrain.strategy_training SET paused_reason = 'five failures'")

    assert stack.checking.claim(request) == NotClaimed(
        "paused", "paused: five failures; resume it, or use force"
    )


def test_claim_race_of_twelve_leaves_one_run_with_the_strategys_fence(own: Stack) -> None:
    strategy_id = due(own)
    request = own.request(strategy_id)
    books = [CheckBooks(own.database()) for _ in range(12)]
    for round_ in range(1, 21):
        start = Barrier(len(books))

        def race(one: CheckBooks, start: Barrier = start) -> Claimed | NotClaimed:
            start.wait()
            return one.claim(request)

        with ThreadPoolExecutor(len(books)) as threads:
            results = list(threads.map(race, books))

        won = [result for result in results if isinstance(result, Claimed)]
        live = own.world.run("SELECT fence FROM autoretrain.training_runs WHERE status = 'queued'")
        fence = own.world.one("SELECT fence FROM autoretrain.strategy_training").fence
        assert len(won) == 1
        assert [row.fence for row in live] == [fence] == [round_]
        own.world.run(
            "UPDATE autoretrain.training_runs SET status = 'cancelled', finished_at = now()"
            " WHERE status = 'queued'"
        )


class Calls:
    """Invokes the condition check as Lambda would, at once."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker

    def invoke(self, event: Json) -> None:
        ids = event["strategy_ids"]
        assert isinstance(ids, list)
        slot = datetime.fromisoformat(str(event["slot"]))
        self._checker.check([UUID(str(one)) for one in ids], slot)


class NoTaskFound:
    def find(self, run_id: UUID, attempt: int) -> str | None:
        return None


def test_twenty_dispatchers_at_once_make_one_run_per_strategy_and_one_history_row(
    own: Stack,
) -> None:
    strategies = [due(own, f"strategy {n}") for n in range(5)]
    own.world.run("DELETE FROM autoretrain.strategy_training")
    start = Barrier(20)

    def tick(_: int) -> None:
        database = own.database()
        launcher = Launcher(LaunchBooks(database), NoTasks(), 100)
        checker = Checker(CheckBooks(database), launcher)
        dispatcher = Dispatcher(DispatchBooks(database), NoTaskFound(), Calls(checker), 1, 0)
        start.wait()
        dispatcher.tick(SLOT, lambda: 60.0, lambda strategies: None)

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(tick, range(20)))

    runs = own.world.run("SELECT strategy_id FROM autoretrain.training_runs")
    history = own.world.run("SELECT strategy_id FROM autoretrain.retrain_decisions")
    assert sorted(row.strategy_id for row in runs) == sorted(strategies)
    assert sorted(row.strategy_id for row in history) == sorted(strategies)
    assert fences(own) == [(1, 1)] * 5


@pytest.mark.parametrize("delivery", [1, 2, 3])
def test_tick_delivered_again_after_the_training_trains_nothing(
    stack: Stack, delivery: int
) -> None:
    strategy_id = due(stack)
    assignment = stack.running(strategy_id)
    now = DatabaseClock(stack.database()).now()
    stack.training.publish(assignment, challenger(rows=rows(as_of=now)), "key", now)

    for _ in range(delivery):
        snapshot = stack.snapshot(strategy_id)
        assert not decide(snapshot, snapshot.policy).should_retrain


def test_first_model_that_was_kept_leaves_the_next_day_of_ticks_quiet(stack: Stack) -> None:
    strategy_id = due(stack)
    assignment = stack.running(strategy_id)
    now = DatabaseClock(stack.database()).now()
    worse = challenger(comparison(0.70, 0.69), rows=rows(as_of=now))

    published = stack.training.publish(assignment, worse, "key", now)

    assert (published.outcome, published.activated) == ("not_better", False)
    assert published.line.startswith("log-loss 0.690 (base rate) → 0.700 on 55 trades")
    for hour in range(1, 25):
        snapshot = stack.snapshot(strategy_id, now + timedelta(hours=hour))
        assert not decide(snapshot, snapshot.policy).should_retrain
