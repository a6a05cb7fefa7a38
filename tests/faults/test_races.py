from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from autoretrain.domain.gate import BASE_RATE
from autoretrain.domain.json import Json
from autoretrain.domain.runs import Status
from autoretrain.domain.work import Claimed, NotClaimed, Published, Wish
from autoretrain.errors import RunTaken
from autoretrain.services.check import Checker
from autoretrain.services.dispatch import Dispatcher
from autoretrain.services.launch import Launcher
from autoretrain.services.retrain import Asked, Retraining
from autoretrain.storage.asking import AskBooks
from autoretrain.storage.checking import CheckBooks
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.database import Database
from autoretrain.storage.dispatching import DispatchBooks
from autoretrain.storage.launching import LaunchBooks
from tests.fakes import FakeCluster
from tests.faults.figures import Figures
from tests.faults.forced import due, loss_then_publish, two_claims, two_publications
from tests.faults.rows import row
from tests.lessons import challenger, comparison
from tests.storage.conftest import Stack
from tests.world import NOW, USER

SLOT = NOW.replace(minute=0, second=0)
Racer = Callable[[], Any]


class Track:
    """Lets everybody go at the same moment, round after round, each on their own connection."""

    def __init__(self, size: int) -> None:
        self._threads = ThreadPoolExecutor(size)

    def race(self, *racers: Racer) -> list[Any]:
        start = Barrier(len(racers))

        def run(racer: Racer) -> Any:
            start.wait()
            return racer()

        return list(self._threads.map(run, racers))

    def close(self) -> None:
        self._threads.shutdown()


@pytest.fixture
def track() -> Iterator[Track]:
    opened = Track(20)
    yield opened
    opened.close()


class Tick:
    """A dispatcher, and the condition checks that it invokes, at once and on its connection."""

    def __init__(self, database: Database, cluster: FakeCluster) -> None:
        launcher = Launcher(LaunchBooks(database), cluster, 100)
        self._checker = Checker(CheckBooks(database), launcher)
        self._dispatcher = Dispatcher(
            DispatchBooks(database), cluster, self, strategies_per_check=1, checks_per_second=0
        )

    def at(self, slot: datetime) -> Racer:
        return lambda: self._dispatcher.tick(slot, lambda: 60.0, lambda strategies: None)

    def invoke(self, event: Json) -> None:
        ids, slot = event["strategy_ids"], datetime.fromisoformat(str(event["slot"]))
        assert isinstance(ids, list)
        checked = self._checker.check([UUID(str(one)) for one in ids], slot)
        assert checked is not None
        assert [one.error for one in checked] == [None] * len(ids)


def fences(stack: Stack) -> list[tuple[int, int]]:
    rows = stack.world.run(
        "SELECT t.fence AS strategy, r.fence AS run FROM autoretrain.strategy_training t"
        " JOIN autoretrain.training_runs r USING (strategy_id)"
        " WHERE r.status IN ('queued', 'starting', 'running')"
    )
    return [tuple(row) for row in rows]


def cancel_all(stack: Stack) -> None:
    stack.world.run(
        "UPDATE autoretrain.training_runs SET status = 'cancelled', finished_at = now(),"
        " lease_expires_at = NULL WHERE status IN ('queued', 'starting', 'running')"
    )


def test_twelve_claims_at_once_leave_one_run_that_holds_the_fence(
    own: Stack, track: Track, figures: Figures
) -> None:
    request = own.request(due(own))
    books = [own.checking for _ in range(12)]
    for round_ in range(1, 101):
        results = track.race(*[lambda one=one: one.claim(request) for one in books])

        (won,) = [result.run_id for result in results if isinstance(result, Claimed)]
        lost = [result for result in results if isinstance(result, NotClaimed)]
        assert {(result.code, result.live_run) for result in lost} == {("live_run", won)}
        assert fences(own) == [(round_, round_)]
        cancel_all(own)
    figures.races["claim × 12"] = round_


@row("F2")
def test_twenty_ticks_at_once_start_every_strategy_once(
    own: Stack, track: Track, figures: Figures
) -> None:
    strategies = sorted(due(own, f"strategy {n}") for n in range(5))
    own.world.run("DELETE FROM autoretrain.strategy_training")
    cluster = FakeCluster()
    ticks = [Tick(own.database(), cluster) for _ in range(20)]
    for round_ in range(1, 6):
        slot = SLOT + timedelta(hours=round_)
        track.race(*[tick.at(slot) for tick in ticks])

        runs = own.world.run(
            "SELECT strategy_id FROM autoretrain.training_runs WHERE slot = %s", slot
        )
        assert sorted(run.strategy_id for run in runs) == strategies
        assert fences(own) == [(round_, round_)] * 5
        assert len(cluster.tasks) == 5 * round_
        cancel_all(own)
    figures.races["tick × 20, five strategies"] = round_


@row("F19")
def test_two_publications_at_once_publish_once(own: Stack, track: Track, figures: Figures) -> None:
    strategy_id = due(own)
    for round_ in range(1, 26):
        books = [own.training, own.training]
        assignment = own.running(strategy_id, f"task/{round_}")
        rival = assignment.champion.version if assignment.champion else BASE_RATE
        better = challenger(comparison(0.60, 0.65, against=rival))

        def publish(one: Any, assignment: Any = assignment, better: Any = better) -> str:
            try:
                published: Published = one.publish(assignment, better, "k", NOW)
            except RunTaken:
                return "taken"
            return f"{published.version}, activated: {published.activated}"

        told = track.race(*[lambda one=one: publish(one) for one in books])

        assert sorted(told) == ["taken", f"v{round_}, activated: True"]
        active = own.world.run("SELECT version FROM ai_strategy_ml_models WHERE is_active")
        assert [model.version for model in active] == [f"v{round_}"]
        own.close()
    figures.races["publish × 2"] = round_


@row("F34")
def test_request_and_tick_at_once_share_one_run(own: Stack, track: Track, figures: Figures) -> None:
    strategy_id = due(own)
    cluster, database = FakeCluster(), own.database()
    tick = Tick(own.database(), cluster)
    launcher = Launcher(LaunchBooks(database), cluster, 100)
    retraining = Retraining(AskBooks(database), launcher, DatabaseClock(database), 1000)
    wish = Wish(strategy_id, "asked for by hand", manual=True)
    for round_ in range(1, 51):
        slot = SLOT + timedelta(hours=round_)
        _, asked = track.race(tick.at(slot), lambda: retraining.train(USER, wish, None))

        assert isinstance(asked, Asked)
        live = own.world.one(
            "SELECT id, status FROM autoretrain.training_runs WHERE finished_at IS NULL"
        )
        assert (asked.run_id, live.status) == (live.id, "starting")
        assert fences(own) == [(round_, round_)]
        assert len(cluster.tasks) == round_
        cancel_all(own)
    figures.races["request against tick"] = round_


def test_claim_that_waited_for_another_finds_its_run(own: Stack) -> None:
    left = two_claims(own)

    assert isinstance(left.first, Claimed)
    assert isinstance(left.second, NotClaimed)
    assert left.second.live_run == left.first.run_id
    assert (left.fence, left.live) == (1, [1])


def test_publication_that_waited_for_the_loss_of_its_run_is_refused(own: Stack) -> None:
    left = loss_then_publish(own)

    assert left.first is Status.QUEUED
    assert isinstance(left.second, RunTaken)
    assert (left.fence, left.live, left.statuses) == (2, [2], ["queued"])


@row("F19")
def test_publication_that_waited_for_the_same_one_is_refused(own: Stack) -> None:
    left = two_publications(own)

    assert isinstance(left.first, Published)
    assert isinstance(left.second, RunTaken)
    assert left.statuses == ["succeeded"]
