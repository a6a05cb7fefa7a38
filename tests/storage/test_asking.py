from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from autoretrain.domain.runs import Status
from autoretrain.domain.work import Idempotency, Wish
from autoretrain.errors import Conflict, Invalid, LaunchRefused, TooManyRuns, Unknown
from autoretrain.services.launch import Launcher
from autoretrain.services.retrain import Asked, Retraining
from autoretrain.storage.asking import AskBooks
from autoretrain.storage.clock import DatabaseClock
from tests.fakes import FakeCluster
from tests.lessons import challenger, declined
from tests.storage.conftest import Stack
from tests.world import NOW, USER

SOMEBODY = uuid4()
KEY = Idempotency("once", "a" * 64)


@dataclass
class Asker:
    """A person at the API: the real books, a cluster in memory, and a clock that only pauses."""

    stack: Stack
    strategy: UUID
    cluster: FakeCluster = field(default_factory=FakeCluster)
    runs_per_hour: int = 60
    passed: float = 0.0
    meanwhile: Callable[[], Any] = int

    @property
    def retraining(self) -> Retraining:
        database = self.stack.database()
        return Retraining(
            AskBooks(database),
            Launcher(self.stack.launching, self.cluster, 5),
            DatabaseClock(database),
            self.runs_per_hour,
            pause=self.pause,
            monotonic=lambda: self.passed,
        )

    def pause(self, seconds: float) -> None:
        self.passed += seconds
        self.meanwhile()

    def check(self, force: bool = False, key: Idempotency | None = None) -> Asked:
        return self.retraining.check(USER, self.strategy, force=force, idempotency=key)

    def train(self, key: Idempotency | None = None, **wish: Any) -> Asked:
        given: dict[str, Any] = {"reason": "asked for by hand", "manual": True} | wish
        return self.retraining.train(USER, Wish(self.strategy, **given), key)

    def runs(self) -> list[Any]:
        return self.stack.world.run("SELECT * FROM autoretrain.training_runs ORDER BY queued_at")


def asker(stack: Stack, trades: int = 120, **columns: Any) -> Asker:
    strategy = stack.world.strategy(**columns)
    stack.world.trades(strategy, [1.0, -1.0] * (trades // 2))
    return Asker(stack, strategy)


def test_check_trains_when_a_condition_fires(stack: Stack) -> None:
    asked = (person := asker(stack)).check()

    (run,) = person.runs()
    assert asked == Asked(True, run.reason, run.id)
    assert run.reason == "initial training: 100+ trades, no model yet"
    assert (run.status, run.user_id, run.manual, run.slot) == ("starting", USER, False, None)
    decision = stack.world.one("SELECT * FROM autoretrain.current_decisions")
    assert (decision.should_retrain, decision.outcome) == (True, "initial_training")


def test_check_trains_nothing_when_no_condition_fires(stack: Stack) -> None:
    asked = (person := asker(stack, trades=80)).check()

    assert asked == Asked(False, "too few trades: 80 of 100")
    assert person.runs() == []


def test_check_by_force_trains_through_the_gate_whatever_the_conditions_say(stack: Stack) -> None:
    asked = (person := asker(stack, trades=80)).check(force=True)

    (run,) = person.runs()
    assert asked == Asked(True, "asked for by force", run.id)
    assert (run.manual, run.force) == (False, True)


@pytest.mark.parametrize("column", ["is_active", "ml_training_enabled"])
def test_check_leaves_alone_what_is_switched_off(own: Stack, column: str) -> None:
    person = asker(own, **{column: False})

    asked = person.check()

    assert asked.not_started is not None
    assert (asked.run_id, asked.not_started.code) == (None, "switched_off")
    assert person.check(force=True).run_id is not None


def test_check_keeps_the_tick_that_the_decision_is_counted_with(own: Stack) -> None:
    person = asker(own, trades=80)
    own.world.run(
        "INSERT INTO autoretrain.current_decisions (strategy_id, decided_at, slot, should_retrain,"
        " outcome, reason, conditions) VALUES (%s, %s, %s, false, '', '', '[]')",
        *(person.strategy, NOW, NOW),
    )

    person.check()

    assert own.world.one("SELECT slot FROM autoretrain.current_decisions").slot == NOW


def test_person_trains_at_once_with_settings_for_this_run_only(stack: Stack) -> None:
    person = asker(stack, ml_training_enabled=False)

    asked = person.train(min_trades=60, feature_weights={"rsi": 1.2})

    (run,) = person.runs()
    assert asked == Asked(True, "asked for by hand", run.id)
    assert (run.manual, run.force, run.min_trades) == (True, True, 60)
    assert run.feature_weights == {"rsi": 1.2}
    assignment = stack.training.begin(run.id, None)
    assert assignment is not None
    assert (assignment.min_trades, assignment.feature_weights) == (60, {"rsi": 1.2})
    assert stack.world.one("SELECT * FROM autoretrain.strategy_training").feature_weights == {}


def test_person_trains_a_strategy_that_rests_or_is_paused(stack: Stack) -> None:
    person = asker(stack)
    stack.world.run(
        "UPDATE autoretrain.strategy_training SET paused_reason = 'x', failures = 5,"
        " next_eligible_at = now() + interval '8 hours'"
    )

    assert person.train().run_id is not None


def test_strategy_that_the_hourly_check_never_met_is_trained(own: Stack) -> None:
    person = asker(own)
    own.world.run("DELETE FROM autoretrain.strategy_training")

    assert person.train().run_id is not None


def test_live_run_is_never_doubled(stack: Stack) -> None:
    person = asker(stack)
    first = person.train()

    for again in (person.train(), person.check(), person.check(force=True)):
        assert again.run_id == first.run_id
        assert again.not_started is not None
        assert again.not_started.code == "live_run"
    assert len(person.runs()) == 1


def test_run_that_waits_for_a_task_is_launched_by_whoever_asks_next(own: Stack) -> None:
    person = asker(own)
    run_id = own.queued(person.strategy)

    person.train()

    assert list(person.cluster.tasks) == [(run_id, 1)]


def test_run_whose_trainer_has_gone_is_freed_when_somebody_asks(own: Stack) -> None:
    person = asker(own)
    lost = own.running(person.strategy)
    own.expire_lease(lost.run_id)

    asked = person.train()

    (run,) = person.runs()
    assert (asked.run_id, run.attempt, run.status) == (lost.run_id, 2, "starting")


def test_launch_that_is_refused_is_told(own: Stack) -> None:
    person = asker(own)
    person.cluster.error = LaunchRefused("no PassRole")

    asked = person.train()

    assert asked.not_started is not None
    assert (asked.not_started.code, asked.not_started.line) == ("refused", "no PassRole")
    (run,) = person.runs()
    assert (asked.run_id, run.status) == (run.id, "failed")


def test_same_key_gives_the_same_run_also_when_it_has_ended(stack: Stack) -> None:
    person = asker(stack)
    first = person.train(KEY)
    assert first.run_id is not None
    assignment = stack.training.begin(first.run_id, None)
    assert assignment is not None
    stack.training.publish(assignment, challenger(), "k/1", NOW)

    assert person.train(KEY) == first
    assert person.train(Idempotency("twice", "a" * 64)).run_id != first.run_id


def test_check_with_the_same_key_gives_the_same_run_whatever_has_happened_since(
    stack: Stack,
) -> None:
    person = asker(stack)
    first = person.check(key=KEY)
    assert first.run_id is not None
    assignment = stack.training.begin(first.run_id, None)
    assert assignment is not None
    stack.training.publish(assignment, challenger(), "k/1", NOW)

    assert person.check(key=KEY) == first
    assert not person.check().should_retrain
    with pytest.raises(Conflict):
        person.check(key=Idempotency("once", "b" * 64))


def test_same_key_for_something_else_is_a_conflict(stack: Stack) -> None:
    person = asker(stack)
    person.train(KEY)

    with pytest.raises(Conflict, match="Idempotency-Key was used for another request"):
        person.train(Idempotency("once", "b" * 64))


def test_same_key_of_another_caller_is_another_key(own: Stack) -> None:
    mine, other = asker(own), uuid4()
    theirs = asker(own, user_id=other)
    mine.train(KEY)

    wish = Wish(theirs.strategy, "asked for by hand", manual=True)
    asked = theirs.retraining.train(other, wish, KEY)

    assert asked.run_id not in {None, mine.runs()[0].id}


def test_caller_who_asks_too_often_within_an_hour_has_to_wait(own: Stack) -> None:
    person = asker(own)
    person.runs_per_hour = 2
    for _ in range(2):
        asked = person.train()
        assert asked.run_id is not None
        assignment = own.training.begin(asked.run_id, None)
        assert assignment is not None
        own.training.decline(assignment, declined())

    with pytest.raises(TooManyRuns, match="2 trainings within an hour"):
        person.train()
    assert len(person.runs()) == 2


def test_limit_holds_for_all_that_a_caller_asks_for_at_once(own: Stack) -> None:
    people = [asker(own) for _ in range(6)]
    for person in people:
        person.runs_per_hour = 2
    begin = Barrier(len(people))

    def ask(person: Asker) -> bool:
        begin.wait()
        try:
            return person.train().run_id is not None
        except TooManyRuns:
            return False

    with ThreadPoolExecutor(len(people)) as threads:
        assert sum(threads.map(ask, people)) == 2
    assert len(people[0].runs()) == 2


def test_key_that_was_answered_with_a_live_run_stands_for_it_also_later(own: Stack) -> None:
    person = asker(own)
    live = person.train()
    assert live.run_id is not None
    assert person.train(KEY).run_id == live.run_id
    assignment = own.training.begin(live.run_id, None)
    assert assignment is not None
    own.training.decline(assignment, declined())

    assert person.train(KEY).run_id == live.run_id
    assert len(person.runs()) == 1


def test_training_that_ends_during_a_check_is_no_reason_for_another(own: Stack) -> None:
    person = asker(own)
    person.train()
    (run,) = person.runs()
    assignment = own.training.begin(run.id, None)
    assert assignment is not None

    class Racing(AskBooks):
        def free_lost_run(self, user_id: UUID, strategy_id: UUID) -> None:
            if (
                assignment is not None
                and own.world.one("SELECT status FROM autoretrain.training_runs").status
                == "running"
            ):
                own.training.publish(assignment, challenger(), "k/1", NOW)

    database = own.database()
    launcher = Launcher(own.launching, person.cluster, 5)
    racing = Retraining(Racing(database), launcher, DatabaseClock(database), 60)

    asked = racing.check(USER, person.strategy, force=False, idempotency=None)

    assert (asked.should_retrain, asked.run_id) == (False, None)
    assert len(person.runs()) == 1


def test_wait_ends_with_the_run(own: Stack) -> None:
    person = asker(own)
    run_id = person.train().run_id
    assert run_id is not None
    assignment = own.training.begin(run_id, None)
    assert assignment is not None
    person.meanwhile = lambda: own.training.decline(assignment, declined())

    person.retraining.wait(USER, run_id, 25)

    assert person.passed == 0.25
    assert person.runs()[0].status == Status.SUCCEEDED


def test_wait_ends_with_its_time(own: Stack) -> None:
    person = asker(own)
    run_id = person.train().run_id
    assert run_id is not None

    person.retraining.wait(USER, run_id, 25)

    assert person.passed == 25


def test_nothing_of_somebody_else_can_be_asked_for(stack: Stack) -> None:
    person = asker(stack)
    run_id = stack.queued(person.strategy)
    theirs = person.retraining

    with pytest.raises(Unknown, match="no such strategy"):
        theirs.check(SOMEBODY, person.strategy, force=True, idempotency=None)
    with pytest.raises(Unknown, match="no such strategy"):
        theirs.train(SOMEBODY, Wish(person.strategy, "x", manual=True), None)
    with pytest.raises(Unknown, match="no such run"):
        theirs.wait(SOMEBODY, run_id, 25)
    assert len(person.runs()) == 1


def test_training_that_somebody_asked_for_too_early_leaves_the_clock_alone(stack: Stack) -> None:
    person = asker(stack)
    run_id = person.train(min_trades=900).run_id
    assert run_id is not None
    assignment = stack.training.begin(run_id, None)
    assert assignment is not None

    stack.training.decline(assignment, declined())

    assert stack.world.one("SELECT ml_model_trained_at AS t FROM ai_strategies").t is None
    assert person.runs()[0].outcome == "insufficient_data"
    assert person.check().should_retrain


def test_weight_of_a_feature_that_no_trade_has_starts_no_training(own: Stack) -> None:
    person = asker(own)
    with pytest.raises(Invalid, match="no macd"):
        person.train(feature_weights={"macd": 1.2})
    assert person.runs() == []
