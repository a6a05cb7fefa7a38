from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from autoretrain.domain.json import Json
from autoretrain.domain.runs import STARTING_LEASE
from autoretrain.errors import DatabaseUnavailable
from autoretrain.services.launch import LaunchOutcome
from tests.fakes import FakeInvoker
from tests.faults.loop import HOUR, MINUTE, Loop
from tests.faults.rows import row
from tests.faults.wire import Fault, How, Killed

STRATEGIES = 4


class DyingInvoker(FakeInvoker):
    """The dispatcher dies when it has sent so many."""

    def __init__(self, sent: int) -> None:
        super().__init__()
        self._sent = sent

    def invoke(self, event: Json) -> None:
        if len(self.events) == self._sent:
            raise Killed
        super().invoke(event)


class Deaths:
    """The process dies as it asks ECS for a task: nothing has been started."""

    def launch(self, run_id: UUID, attempt: int) -> str:
        raise Killed


def events(loop: Loop) -> list[Any]:
    return list(loop.mail.events)


@row("F1")
def test_tick_that_is_delivered_twice_trains_every_strategy_once(loop: Loop) -> None:
    strategy_id = loop.due()

    loop.tick()
    loop.train(loop.run(strategy_id).id)
    loop.new_trade(strategy_id)  # a condition fires again within the hour
    loop.dispatch()
    (checked,) = loop.check_mail()

    assert checked.claim is not None
    assert getattr(checked.claim, "code", None) == "slot_done"
    assert loop.run(strategy_id).status == "succeeded"


@row("F3")
@pytest.mark.parametrize("sent", range(STRATEGIES + 1))
def test_tick_that_died_half_way_is_made_up_for_by_its_retry(loop: Loop, sent: int) -> None:
    strategies = [loop.due() for _ in range(STRATEGIES)]
    loop.mail = DyingInvoker(sent)
    if sent < STRATEGIES:
        with pytest.raises(Killed):
            loop.dispatch()
    loop.check_mail()
    loop.mail = FakeInvoker()

    loop.tick()

    assert [len(loop.runs(strategy_id)) for strategy_id in strategies] == [1] * STRATEGIES
    assert loop.launches() == STRATEGIES


@row("F4")
def test_check_that_is_delivered_three_times_makes_one_run(loop: Loop) -> None:
    strategy_id = loop.due()
    loop.dispatch()

    for event in events(loop) * 3:
        loop.check_event(event)

    assert loop.run(strategy_id).status == "starting"
    assert loop.launches() == 1


@row("F5")
def test_check_that_comes_two_hours_late_is_dropped_and_the_next_one_counts(loop: Loop) -> None:
    strategy_id = loop.due()
    loop.passed = -2 * HOUR
    loop.dispatch()

    assert loop.check_event(loop.mail.events.pop()) is None
    assert loop.runs(strategy_id) == []

    loop.passed = timedelta()
    loop.tick()
    assert loop.run(strategy_id).status == "starting"


@row("F6")
def test_run_whose_check_died_before_the_launch_is_launched_by_the_next_tick(loop: Loop) -> None:
    strategy_id = loop.due()
    wire = loop.bench.wire
    call = 0
    while not loop.runs(strategy_id):  # the check dies ever later, until the claim is in the books
        call += 1
        with wire.breaking(Fault(How.KILLED, call), lambda _: None), pytest.raises(Killed):
            loop.check(strategy_id)
    assert (loop.run(strategy_id).status, loop.launches()) == ("queued", 0)

    loop.pass_by(HOUR)
    loop.tick()

    run = loop.run(strategy_id)
    assert (run.status, run.attempt, loop.launches()) == ("starting", 1, 1)


@row("F6")
def test_run_whose_check_died_in_the_launch_is_queued_again_after_ten_minutes(loop: Loop) -> None:
    strategy_id = loop.due()
    with pytest.raises(Killed):
        loop.launcher(Deaths()).launch(_queued(loop, strategy_id))
    assert loop.run(strategy_id).status == "starting"

    loop.pass_by(STARTING_LEASE - MINUTE)
    assert loop.tick().freed == ()
    loop.pass_by(2 * MINUTE)
    loop.tick()

    run = loop.run(strategy_id)
    assert (run.status, run.attempt, loop.launches()) == ("starting", 2, 1)


def _queued(loop: Loop, strategy_id: UUID) -> UUID:
    """A claim is all: somebody else launches."""
    loop.world.run("UPDATE autoretrain.launch_control SET stopped_reason = 'x', probed_at = now()")
    (checked,) = loop.check(strategy_id)
    assert checked.launch is not None
    assert checked.launch.outcome is LaunchOutcome.STOPPED
    loop.world.run("UPDATE autoretrain.launch_control SET stopped_reason = NULL")
    return checked.launch.run_id


@row("F24")
def test_tick_without_a_database_fails_and_its_retry_does_everything(loop: Loop) -> None:
    strategy_id = loop.due()
    for call in range(100):
        struck = loop.bench.wire.struck
        loop.strike(Fault(How.DOWN, call))
        with suppress(DatabaseUnavailable):
            loop.dispatch()
        loop.mend()
        assert loop.runs(strategy_id) == []
        if loop.bench.wire.struck == struck:
            break
    assert call > 5

    loop.check_mail()  # however often it was sent meanwhile
    assert loop.run(strategy_id).status == "starting"
