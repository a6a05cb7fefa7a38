from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from autoretrain.domain.conditions import Decision
from autoretrain.domain.runs import Status
from autoretrain.domain.work import Claimed, NotClaimed
from autoretrain.errors import LaunchRefused
from autoretrain.services.check import Checked, Checker
from autoretrain.services.launch import Launcher, LaunchOutcome
from tests.fake_books import FakeBooks
from tests.fakes import NOON, FakeArtifacts, FakeClock, FakeCluster

NINETY_MINUTES = timedelta(minutes=90)


def check(
    books: FakeBooks,
    cluster: FakeCluster,
    ids: Sequence[UUID],
    slot: datetime | None = NOON,
    max_concurrent_tasks: int = 5,
) -> list[Checked]:
    launcher = Launcher(books, cluster, max_concurrent_tasks)
    checked = Checker(books, launcher).check(ids, slot)
    assert checked is not None
    return checked


def runs_of(books: FakeBooks, strategy_id: UUID) -> list[Status]:
    return [run.status for run in books.runs.values() if run.strategy_id == strategy_id]


def test_event_is_dropped_when_it_is_older_than_ninety_minutes(
    books: FakeBooks, cluster: FakeCluster
) -> None:
    due = books.add_strategy(total_trades=100)
    checker = Checker(books, Launcher(books, cluster, 5))
    assert checker.check([due], NOON - NINETY_MINUTES - timedelta(seconds=1)) is None
    assert (books.stored, books.runs, cluster.tasks) == ([], {}, {})


@pytest.mark.parametrize("slot", [NOON - NINETY_MINUTES, None], ids=["90 minutes", "no tick"])
def test_event_is_checked_when_it_is_not_older(
    books: FakeBooks, cluster: FakeCluster, slot: datetime | None
) -> None:
    due = books.add_strategy(total_trades=100)
    check(books, cluster, [due], slot)
    assert runs_of(books, due) == [Status.STARTING]


def test_check_stores_every_decision_at_once_also_the_noes(
    books: FakeBooks, cluster: FakeCluster
) -> None:
    ids = [books.add_strategy(total_trades=trades) for trades in (99, 100, 100)]
    checked = check(books, cluster, ids)
    [(slot, decisions)] = books.stored
    assert slot == NOON
    assert [one.strategy_id for one in decisions] == ids
    assert [one.should_retrain for one in decisions] == [False, True, True]
    assert [one.decision for one in checked] == list(decisions)


def test_check_decides_as_of_its_clock(
    books: FakeBooks, cluster: FakeCluster, clock: FakeClock
) -> None:
    old = books.add_strategy(total_trades=100, new_trades=0, trained_at=NOON - timedelta(days=7))
    [before] = check(books, cluster, [old])
    clock.pass_by(timedelta(minutes=1))
    [after] = check(books, cluster, [old])
    assert before.decision is not None
    assert after.decision is not None
    assert (before.decision.outcome, after.decision.outcome) == ("nothing_due", "weekly_schedule")
    assert after.decision.as_of == NOON + timedelta(minutes=1)


def test_check_claims_and_launches_what_is_due_and_nothing_else(
    books: FakeBooks, cluster: FakeCluster
) -> None:
    early, due = books.add_strategy(), books.add_strategy(total_trades=100)
    skipped, trained = check(books, cluster, [early, due])
    assert (skipped.claim, skipped.launch) == (None, None)
    assert isinstance(trained.claim, Claimed)
    run = books.runs[trained.claim.run_id]
    assert (run.strategy_id, run.slot, run.status) == (due, NOON, Status.STARTING)
    assert run.reason == "initial training: 100+ trades, no model yet"
    assert (run.manual, run.force) == (False, False)
    assert run.task_arn == cluster.find(run.run_id, run.attempt)
    assert len(books.runs) == 1


def test_check_leaves_a_claimed_run_queued_when_no_task_is_free(
    books: FakeBooks, cluster: FakeCluster
) -> None:
    first, second = books.add_strategy(total_trades=100), books.add_strategy(total_trades=100)
    _, waiting = check(books, cluster, [first, second], max_concurrent_tasks=1)
    assert runs_of(books, first) == [Status.STARTING]
    assert runs_of(books, second) == [Status.QUEUED]
    assert waiting.launch is not None
    assert waiting.launch.outcome is LaunchOutcome.WAITING


def test_check_trains_once_when_its_event_comes_twice(
    books: FakeBooks, cluster: FakeCluster
) -> None:
    due = books.add_strategy(total_trades=100)
    check(books, cluster, [due])
    [again] = check(books, cluster, [due])
    assert isinstance(again.claim, NotClaimed)
    assert again.claim.code == "live_run"
    assert again.launch is None
    assert runs_of(books, due) == [Status.STARTING]
    assert len(cluster.tasks) == 1


def test_check_does_not_train_twice_in_a_slot_when_the_first_training_is_over(
    books: FakeBooks, cluster: FakeCluster
) -> None:
    due = books.add_strategy(total_trades=100)
    check(books, cluster, [due])
    for run in books.runs.values():
        run.end(Status.FAILED)
    [again] = check(books, cluster, [due])
    assert isinstance(again.claim, NotClaimed)
    assert again.claim.code == "slot_done"
    assert runs_of(books, due) == [Status.FAILED]


def test_check_claims_a_strategy_that_was_trained_before(
    books: FakeBooks, cluster: FakeCluster
) -> None:
    yesterday = NOON - timedelta(days=1)
    trained = books.add_strategy(
        total_trades=100, trained_at=yesterday, trades_read_at=yesterday, model_version="v1"
    )
    check(books, cluster, [trained])
    [run] = books.runs.values()
    assert run.reason == "50+ new trades since last training"


class RacedBooks(FakeBooks):
    """A training of the first strategy finishes right after the figures were read."""

    def store_decisions(self, decisions: Sequence[Decision], slot: datetime | None) -> None:
        super().store_decisions(decisions, slot)
        raced = self.strategies[UUID(int=1)]
        raced.snapshot = replace(raced.snapshot, trades_read_at=self.clock.now())


def test_check_claims_the_next_strategy_when_the_figures_of_one_are_stale(
    clock: FakeClock, artifacts: FakeArtifacts, cluster: FakeCluster
) -> None:
    books = RacedBooks(clock, artifacts)
    raced, due = books.add_strategy(total_trades=100), books.add_strategy(total_trades=100)
    refused, trained = check(books, cluster, [raced, due])
    assert isinstance(refused.claim, NotClaimed)
    assert refused.claim.code == "figures_stale"
    assert isinstance(trained.claim, Claimed)
    assert runs_of(books, raced) == []
    assert runs_of(books, due) == [Status.STARTING]


def test_check_launches_a_waiting_run_of_a_strategy_that_is_not_checkable(
    books: FakeBooks, cluster: FakeCluster
) -> None:
    paused = books.add_strategy(checkable=False, total_trades=100)
    books.add_run(paused, manual=True)
    [checked] = check(books, cluster, [paused])
    assert (checked.decision, checked.claim) == (None, None)
    assert runs_of(books, paused) == [Status.STARTING]
    assert books.stored == []


@pytest.mark.parametrize("total_trades", [99, 100], ids=["nothing due", "due again"])
def test_check_launches_a_waiting_run_whatever_it_decides(
    books: FakeBooks, cluster: FakeCluster, total_trades: int
) -> None:
    waiting = books.add_strategy(total_trades=total_trades)
    books.add_run(waiting)
    check(books, cluster, [waiting])
    assert runs_of(books, waiting) == [Status.STARTING]


def test_check_goes_on_when_one_launch_is_refused(books: FakeBooks, cluster: FakeCluster) -> None:
    ids = [books.add_strategy(total_trades=100) for _ in range(2)]
    cluster.error = LaunchRefused("no such task definition")
    refused, waiting = check(books, cluster, ids)
    assert refused.launch is not None
    assert refused.launch.outcome is LaunchOutcome.REFUSED
    assert waiting.launch is not None
    assert waiting.launch.outcome is LaunchOutcome.STOPPED
    assert [runs_of(books, one) for one in ids] == [[Status.FAILED], [Status.QUEUED]]
