from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Barrier, Lock
from uuid import UUID

import pytest

from autoretrain.domain.json import Json
from autoretrain.domain.runs import RUNNING_LEASE, STARTING_LEASE, Status
from autoretrain.domain.work import LiveRun, TickSummary
from autoretrain.errors import LaunchUnknown
from autoretrain.services.check import Checker
from autoretrain.services.dispatch import Dispatched, Dispatcher
from autoretrain.services.launch import Launcher, LaunchOutcome
from tests.fake_books import BookedRun, FakeBooks
from tests.fakes import NOON, FakeArtifacts, FakeClock, FakeCluster, FakeInvoker

HOUR = timedelta(hours=1)
TASK = "task/gone"


@pytest.fixture
def invoker() -> FakeInvoker:
    return FakeInvoker()


@pytest.fixture
def tick(books: FakeBooks, cluster: FakeCluster, invoker: FakeInvoker) -> Callable[..., Dispatched]:
    def run(
        strategies_per_check: int = 1, seconds_left: Callable[[], float] = lambda: 60.0
    ) -> Dispatched:
        dispatcher = Dispatcher(books, cluster, invoker, strategies_per_check, 0)
        return dispatcher.tick(NOON, seconds_left, announce=lambda strategies: None)

    return run


def sent(invoker: FakeInvoker) -> list[list[int]]:
    """The ids of every event, as the small numbers that the fake books count in."""
    given = [event["strategy_ids"] for event in invoker.events]
    return [[UUID(str(one)).int for one in ids] for ids in given if isinstance(ids, list)]


@pytest.mark.parametrize(
    ("size", "batches"),
    [(1, [[1], [2], [3], [4], [5]]), (2, [[1, 2], [3, 4], [5]]), (5, [[1, 2, 3, 4, 5]])],
)
def test_tick_sends_batches_in_order(
    books: FakeBooks,
    invoker: FakeInvoker,
    tick: Callable[..., Dispatched],
    size: int,
    batches: list[list[int]],
) -> None:
    for _ in range(5):
        books.add_strategy()
    dispatched = tick(size)
    assert sent(invoker) == batches
    assert {event["slot"] for event in invoker.events} == {"2026-03-02T12:00:00+00:00"}
    assert (dispatched.slot, dispatched.checking, dispatched.not_sent) == (NOON, 5, 0)


def test_tick_sends_nothing_when_no_strategy_is_due(
    books: FakeBooks, invoker: FakeInvoker, tick: Callable[..., Dispatched]
) -> None:
    books.add_strategy(checkable=False)
    assert (tick().checking, sent(invoker)) == (0, [])


def test_tick_checks_a_strategy_that_the_books_have_not_seen_before(
    books: FakeBooks, invoker: FakeInvoker, tick: Callable[..., Dispatched]
) -> None:
    books.add_strategy(enrolled=False)
    tick()
    assert sent(invoker) == [[1]]


def test_tick_hands_on_a_waiting_run_without_counting_its_strategy_as_checked(
    books: FakeBooks, invoker: FakeInvoker, tick: Callable[..., Dispatched]
) -> None:
    books.add_strategy()
    books.add_run(books.add_strategy(checkable=False))
    dispatched = tick()
    assert sent(invoker) == [[1], [2]]
    assert dispatched.checking == 1


def test_tick_goes_on_when_one_event_is_not_taken(
    books: FakeBooks, invoker: FakeInvoker, tick: Callable[..., Dispatched]
) -> None:
    for _ in range(5):
        books.add_strategy()
    invoker.refused.add(UUID(int=3))
    dispatched = tick(2)
    assert sent(invoker) == [[1, 2], [5]]
    assert dispatched.not_sent == 2


def test_tick_stops_sending_when_time_is_short_and_counts_what_waits(
    books: FakeBooks, invoker: FakeInvoker, tick: Callable[..., Dispatched]
) -> None:
    for _ in range(7):
        books.add_strategy()
    dispatched = tick(2, seconds_left=iter([60.0, 5.0, 4.9, 1.0]).__next__)
    assert sent(invoker) == [[1, 2], [3, 4]]
    assert dispatched.not_sent == 3


def lost_run(
    books: FakeBooks, clock: FakeClock, status: Status, task_arn: str | None = TASK, losses: int = 0
) -> BookedRun:
    run = books.add_run(books.add_strategy(), task_arn=task_arn, losses=losses)
    run.begin(status, clock.now() - timedelta(seconds=1))
    return run


@pytest.mark.parametrize("status", [Status.STARTING, Status.RUNNING])
def test_tick_queues_a_run_again_when_its_trainer_is_lost(
    books: FakeBooks, clock: FakeClock, tick: Callable[..., Dispatched], status: Status
) -> None:
    run = lost_run(books, clock, status)
    [freed] = tick().freed
    assert (freed.run.run_id, freed.status) == (run.run_id, Status.QUEUED)
    assert (run.status, run.attempt, run.losses, run.code) == (Status.QUEUED, 2, 1, "lost")
    assert run.message == f"no sign of life from the trainer ({TASK})"


def test_tick_fails_a_run_when_it_is_lost_for_the_third_time(
    books: FakeBooks, clock: FakeClock, tick: Callable[..., Dispatched]
) -> None:
    run = lost_run(books, clock, Status.RUNNING, losses=2)
    [freed] = tick().freed
    assert freed.status is Status.FAILED
    assert run.status is Status.FAILED


def test_tick_sends_the_strategy_of_a_run_that_it_has_just_freed(
    books: FakeBooks, clock: FakeClock, invoker: FakeInvoker, tick: Callable[..., Dispatched]
) -> None:
    run = lost_run(books, clock, Status.RUNNING)
    books.add_strategy(checkable=False)
    tick()
    assert sent(invoker) == [[run.strategy_id.int]]


def test_tick_leaves_a_run_alone_when_its_lease_still_holds(
    books: FakeBooks, clock: FakeClock, tick: Callable[..., Dispatched]
) -> None:
    run = lost_run(books, clock, Status.RUNNING)
    run.lease_expires_at = clock.now()
    assert tick().freed == ()
    assert (run.status, run.attempt) == (Status.RUNNING, 1)


class RenewedBooks(FakeBooks):
    """Every trainer is heard of again right after its lease was found to be over."""

    def expired_runs(self) -> list[LiveRun]:
        expired = super().expired_runs()
        for run in expired:
            self.runs[run.run_id].lease_expires_at = self.clock.now() + RUNNING_LEASE
        return expired


def test_tick_leaves_a_run_alone_when_its_lease_is_renewed_meanwhile(
    clock: FakeClock, artifacts: FakeArtifacts, cluster: FakeCluster, invoker: FakeInvoker
) -> None:
    books = RenewedBooks(clock, artifacts)
    run = lost_run(books, clock, Status.RUNNING)
    dispatched = Dispatcher(books, cluster, invoker, 1, 0).tick(
        NOON, lambda: 60.0, lambda strategies: None
    )
    assert dispatched.freed == ()
    assert (run.status, run.attempt) == (Status.RUNNING, 1)


def test_tick_adopts_a_task_that_was_started_but_never_noted(
    books: FakeBooks, clock: FakeClock, cluster: FakeCluster, tick: Callable[..., Dispatched]
) -> None:
    run = lost_run(books, clock, Status.STARTING, task_arn=None)
    started = cluster.launch(run.run_id, run.attempt)
    [freed] = tick().freed
    assert freed.status is Status.STARTING
    assert (run.status, run.attempt, run.task_arn) == (Status.STARTING, 1, started)
    assert run.lease_expires_at == clock.now() + STARTING_LEASE


def test_tick_queues_a_starting_run_again_when_no_task_was_started(
    books: FakeBooks, clock: FakeClock, tick: Callable[..., Dispatched]
) -> None:
    run = lost_run(books, clock, Status.STARTING, task_arn=None)
    tick()
    assert run.status is Status.QUEUED
    assert run.message == "no sign of life from the trainer (no task is known)"


def test_tick_goes_on_when_the_cluster_does_not_list_its_tasks(
    books: FakeBooks,
    clock: FakeClock,
    cluster: FakeCluster,
    invoker: FakeInvoker,
    tick: Callable[..., Dispatched],
) -> None:
    run = lost_run(books, clock, Status.STARTING, task_arn=None)
    cluster.unlisted = True
    (freed,) = tick().freed
    assert (freed.status, freed.why) == (Status.STARTING, "ECS does not list its tasks")
    assert sent(invoker) == [[run.strategy_id.int]]
    assert run.status is Status.STARTING


def test_tick_tells_what_came_of_the_one_before(
    books: FakeBooks, cluster: FakeCluster, tick: Callable[..., Dispatched]
) -> None:
    ids = [books.add_strategy(total_trades=trades) for trades in (100, 100, 10)]
    launcher = Launcher(books, cluster, max_concurrent_tasks=2)
    Checker(books, launcher).check(ids, NOON - HOUR)
    previous = tick().previous
    assert previous == TickSummary(NOON - HOUR, 3, 0, 0, 0, failed=0, live=2)
    assert previous.skipped == 1


def test_tick_finds_the_task_of_a_launch_that_got_no_answer(
    books: FakeBooks, clock: FakeClock, cluster: FakeCluster, tick: Callable[..., Dispatched]
) -> None:
    run = books.add_run(books.add_strategy())
    cluster.error = LaunchUnknown()
    report = Launcher(books, cluster, max_concurrent_tasks=1).launch(run.run_id)
    assert report.outcome is LaunchOutcome.UNKNOWN
    clock.pass_by(STARTING_LEASE + timedelta(seconds=1))
    tick()
    assert run.status is Status.STARTING
    assert run.task_arn == cluster.find(run.run_id, run.attempt)


@dataclass
class Watch:
    """Seconds that pass when somebody waits, or as long as an event takes to be handed over."""

    now: float = 100.0
    send_takes: float = 0.0
    sent_at: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def invoke(self, event: Json) -> None:
        self.sent_at.append(round(self.now, 6))
        self.now += self.send_takes

    def seconds_left(self) -> float:
        return 107.0 - self.now


def paced(books: FakeBooks, cluster: FakeCluster, watch: Watch, checks_per_second: int) -> int:
    dispatcher = Dispatcher(
        books, cluster, watch, 2, checks_per_second, watch.wait, lambda: watch.now
    )
    return dispatcher.tick(NOON, watch.seconds_left, lambda strategies: None).not_sent


@pytest.mark.parametrize(
    ("checks_per_second", "send_takes", "expected"),
    [
        pytest.param(0, 0.0, [100, 100, 100], id="no pace"),
        pytest.param(4, 0.0, [100, 100.25, 100.5], id="waits between two events"),
        pytest.param(4, 0.1, [100, 100.25, 100.5], id="waits only for the rest"),
        pytest.param(4, 0.5, [100, 100.5, 101], id="does not wait when sending is slow"),
    ],
)
def test_tick_keeps_the_pace(
    books: FakeBooks,
    cluster: FakeCluster,
    checks_per_second: int,
    send_takes: float,
    expected: list[float],
) -> None:
    for _ in range(6):
        books.add_strategy()
    watch = Watch(send_takes=send_takes)

    assert paced(books, cluster, watch, checks_per_second) == 0
    assert watch.sent_at == expected


def test_tick_makes_no_rush_of_what_came_late(books: FakeBooks, cluster: FakeCluster) -> None:
    for _ in range(8):
        books.add_strategy()

    class OneSlowSend(Watch):
        def invoke(self, event: Json) -> None:
            self.send_takes = 0.9 if not self.sent_at else 0.0
            super().invoke(event)

    watch = OneSlowSend()
    paced(books, cluster, watch, 4)

    assert watch.sent_at == [100, 100.9, 101.15, 101.4]


def test_tick_keeps_the_pace_until_its_time_is_over(books: FakeBooks, cluster: FakeCluster) -> None:
    for _ in range(20):
        books.add_strategy()
    watch = Watch()

    not_sent = paced(books, cluster, watch, 1)

    assert watch.sent_at == [100, 101, 102, 103]  # the last with 5 s left, as it waited
    assert not_sent == 12


class Crowd:
    """Lets nobody go before so many are here, and knows how many ever were."""

    def __init__(self, size: int) -> None:
        self._gate, self._lock = Barrier(size, timeout=10), Lock()
        self.here = self.most = self.sent = 0

    def invoke(self, event: Json) -> None:
        with self._lock:
            self.here += 1
            self.most = max(self.most, self.here)
        self._gate.wait()
        with self._lock:
            self.here, self.sent = self.here - 1, self.sent + 1


def test_tick_sends_at_once_as_many_events_as_there_are_senders(
    books: FakeBooks, cluster: FakeCluster
) -> None:
    for _ in range(8):
        books.add_strategy()
    crowd = Crowd(4)
    dispatcher = Dispatcher(books, cluster, crowd, 1, 0, senders=4)

    dispatched = dispatcher.tick(NOON, lambda: 60.0, announce=lambda strategies: None)

    assert (crowd.sent, crowd.most, dispatched.sent) == (8, 4, 8)
