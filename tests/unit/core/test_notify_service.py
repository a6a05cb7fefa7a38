from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from autoretrain.domain.notifications import Notification, Topic
from autoretrain.services.notify import BATCH, NO_TIME, SECONDS_FOR_A_CALL, Notifier, Told
from tests.fakes import NOON


@dataclass
class FakeOutbox:
    """Hands every notification out once: none is due again before its minute is over."""

    waiting: list[Notification] = field(default_factory=list)
    told: list[tuple[str, list[int]]] = field(default_factory=list)
    forgotten: int = 0

    def claim(self, count: int) -> list[Notification]:
        batch, self.waiting = self.waiting[:count], self.waiting[count:]
        return batch

    def note_told(self, channel: str, ids: Collection[int], channels: Collection[str]) -> None:
        assert set(channels) == {"topic", "bus"}
        self.told.append((channel, list(ids)))

    def forget_old(self) -> None:
        self.forgotten += 1


@dataclass
class FakeChannel:
    """Takes everything but what it refuses."""

    name: str
    refuses: set[int] = field(default_factory=set)
    taken: list[int] = field(default_factory=list)
    calls: int = 0

    def send(self, notifications: Sequence[Notification]) -> Mapping[int, str]:
        self.calls += 1
        self.taken += [one.id for one in notifications if one.id not in self.refuses]
        return {one.id: "no" for one in notifications if one.id in self.refuses}


def note(number: int, told: Collection[str] = ()) -> Notification:
    topic = Topic.MODEL_KEPT
    one = Notification(number, UUID(int=number), topic, UUID(int=7), "edge", {}, NOON)
    return replace(one, told=frozenset(told))


@pytest.fixture
def outbox() -> FakeOutbox:
    return FakeOutbox()


@pytest.fixture
def topic() -> FakeChannel:
    return FakeChannel("topic")


@pytest.fixture
def bus() -> FakeChannel:
    return FakeChannel("bus")


@pytest.fixture
def drain(
    outbox: FakeOutbox, topic: FakeChannel, bus: FakeChannel
) -> Callable[[Callable[[], float]], list[Told]]:
    notifier = Notifier(outbox, (topic, bus))
    return lambda seconds_left: list(notifier.drain(seconds_left))


Drain = Callable[[Callable[[], float]], list[Told]]


def plenty() -> float:
    return 60.0


def test_everything_that_waits_goes_through_every_channel(
    outbox: FakeOutbox, topic: FakeChannel, bus: FakeChannel, drain: Drain
) -> None:
    outbox.waiting = [note(number) for number in range(25)]

    told = drain(plenty)

    assert [one.notification.id for one in told] == list(range(25))
    assert not any(one.refused for one in told)
    assert topic.taken == bus.taken == list(range(25))
    assert topic.calls == bus.calls == 3  # of at most ten each
    assert BATCH == 10
    assert outbox.forgotten == 1


def test_channel_that_refuses_one_keeps_no_other_and_no_other_channel_back(
    outbox: FakeOutbox, topic: FakeChannel, bus: FakeChannel, drain: Drain
) -> None:
    outbox.waiting = [note(number) for number in range(3)]
    bus.refuses = {1}

    told = drain(plenty)

    assert [one.refused for one in told] == [{}, {"bus": "no"}, {}]
    assert outbox.told == [("topic", [0, 1, 2]), ("bus", [0, 2])]


def test_channel_that_has_taken_a_notification_before_does_not_get_it_again(
    outbox: FakeOutbox, topic: FakeChannel, bus: FakeChannel, drain: Drain
) -> None:
    outbox.waiting = [note(1, told={"topic"})]

    (told,) = drain(plenty)

    assert (topic.calls, bus.taken, told.refused) == (0, [1], {})


def test_nothing_is_taken_from_the_outbox_without_the_time_for_a_call(
    outbox: FakeOutbox, drain: Drain
) -> None:
    outbox.waiting = [note(1)]

    assert drain(lambda: SECONDS_FOR_A_CALL - 0.1) == []
    assert len(outbox.waiting) == 1


def test_channel_is_left_out_when_the_one_before_has_used_the_time_up(
    outbox: FakeOutbox, topic: FakeChannel, bus: FakeChannel, drain: Drain
) -> None:
    outbox.waiting = [note(1), *(note(number) for number in range(20, 40))]
    clock = iter([60.0, 60.0, 5.0, 4.0])

    told = drain(clock.__next__)

    assert (len(topic.taken), bus.calls) == (10, 0)
    assert {tuple(one.refused.items()) for one in told} == {(("bus", NO_TIME),)}
    assert len(outbox.waiting) == 11


def test_empty_outbox_calls_nobody(topic: FakeChannel, bus: FakeChannel, drain: Drain) -> None:
    assert drain(plenty) == []
    assert topic.calls == bus.calls == 0
