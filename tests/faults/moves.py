"""Who may act next, and what may break while they do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from autoretrain.domain.gate import ActivationMode
from tests.faults.cluster import Answer, Task
from tests.faults.play import Play, pick
from tests.faults.wire import Fault, How
from tests.world import USER


@dataclass(frozen=True)
class Move(ABC):
    """`n` says whom it concerns: counted round and round among those who may act, the likeliest
    first. A move that nobody can make is none."""

    n: int = 0
    fault: Fault | None = None

    @abstractmethod
    def make(self, play: Play) -> None: ...

    def _function(self, play: Play, work: Callable[[], None]) -> bool:
        return play.in_a_function(work, self.fault, lambda what: MEANWHILE[what].make(play))

    def _task(self, play: Play, among: Sequence[Task], work: Callable[[Task], None]) -> None:
        if among:
            task = pick(among, self.n)
            play.in_a_task(task, work, self.fault, lambda what: MEANWHILE[what].make(play))


@dataclass(frozen=True)
class Tick(Move):
    def make(self, play: Play) -> None:
        self._function(play, play.tick)


@dataclass(frozen=True)
class Check(Move):
    """An event comes, perhaps not for the last time."""

    again: bool = False
    answer: Answer = Answer.STARTED

    def make(self, play: Play) -> None:
        if not play.mail.events:
            return
        play.cluster.answer = self.answer
        event = pick(play.mail.events[::-1], self.n)
        done = self._function(play, lambda: play.check(event))
        if done and not self.again and event in play.mail.events:  # it may have come meanwhile
            play.mail.events.remove(event)


@dataclass(frozen=True)
class Ask(Move):
    manual: bool = True
    key: int | None = None
    answer: Answer = Answer.STARTED

    def make(self, play: Play) -> None:
        play.cluster.answer = self.answer
        strategy_id = pick(play.strategies, self.n)
        self._function(play, lambda: play.ask(strategy_id, manual=self.manual, key=self.key))


@dataclass(frozen=True)
class GetOn(Move):
    """A trainer does what comes next: take a run, or publish."""

    lesson: str = "better"

    def make(self, play: Play) -> None:
        self._task(play, play.cluster.living, lambda task: play.get_on(task, self.lesson))


@dataclass(frozen=True)
class Falter(Move):
    """A trainer does anything but get on."""

    what: str = "beat"

    def make(self, play: Play) -> None:
        acts = {"beat": play.beat, "fail": play.fail, "stop": play.give_back, "die": play.dies}
        self._task(play, play.cluster.working, acts[self.what])


@dataclass(frozen=True)
class TellOfStop(Move):
    """ECS tells of a task's end: late, in any order, perhaps not for the last time."""

    again: bool = False

    def make(self, play: Play) -> None:
        if not play.stopped:
            return
        event = pick(play.stopped, self.n)
        done = self._function(play, lambda: play.task_stopped(event))
        if done and not self.again and event in play.stopped:
            play.stopped.remove(event)


@dataclass(frozen=True)
class Intervene(Move):
    """A person changes what is live, what runs, or what the settings are."""

    what: str = "cancel"

    def make(self, play: Play) -> None:
        self._function(play, lambda: self._act(play))

    def _act(self, play: Play) -> None:
        control, strategy_id = play.control, pick(play.strategies, self.n)
        if self.what == "cancel" and play.books.runs:
            control.cancel(USER, UUID(pick(play.books.runs, self.n).id))
        elif self.what in ("activate", "insist") and play.books.models:
            model = pick(play.books.models, self.n)
            owner, force = UUID(model.strategy_id), self.what == "insist"
            control.activate(USER, owner, model.version, force=force, why="")
        elif self.what == "unpin":
            control.unpin(USER, strategy_id)
        elif self.what == "resume":
            control.resume(USER, strategy_id)
        elif self.what in set(ActivationMode):
            control.change_settings(USER, strategy_id, {"activation_mode": self.what})


@dataclass(frozen=True)
class TimePasses(Move):
    """Meanwhile a trade closes."""

    passed: timedelta = timedelta(seconds=45)

    def make(self, play: Play) -> None:
        play.pass_by(self.passed)
        play.bench.add_trade(pick(play.strategies, self.n), play.clock.now())


@dataclass(frozen=True)
class Reap(Move):
    """So much time passes that every lease is over; the next tick comes, and its events at once."""

    def make(self, play: Play) -> None:
        play.pass_by(timedelta(minutes=11))
        known = len(play.mail.events)
        self._function(play, play.tick)
        for event in play.mail.events[known:]:
            play.in_a_function(partial(play.check, event))


MEANWHILE: dict[str, Move] = {
    "ask": Ask(),
    "reap": Reap(),
    "cancel": Intervene(-1, what="cancel"),
    "publish": GetOn(),
    "stop": TellOfStop(-1, again=True),
}
"""What may come between two transactions of a service."""

_N = st.sampled_from([0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 5])
_FAULTS = st.none() | st.builds(
    Fault,
    how=st.sampled_from(How),
    call=st.integers(0, 17),
    done=st.booleans(),
    meanwhile=st.sampled_from(sorted(MEANWHILE)),
)
_ANSWERS = st.sampled_from([Answer.STARTED] * 20 + [*Answer])
_TIMES = [timedelta(minutes=minutes) for minutes in (0.75, 0.75, 0.75, 3, 11, 60)]
_LESSONS = ["better", "better", "better", "worse", "too few", "declined"]
_MINDS = ["cancel", "activate", "insist", "insist", "unpin", "resume", *ActivationMode]


def _moves(kind: type[Move], weight: int, **given: Any) -> list[st.SearchStrategy[Move]]:
    given.setdefault("fault", _FAULTS)
    return [st.builds(kind, n=_N, **given)] * weight


MOVES: st.SearchStrategy[Move] = st.sampled_from(
    [
        *_moves(Tick, 1),
        *_moves(Reap, 1),
        *_moves(Check, 2, again=st.booleans(), answer=_ANSWERS),
        *_moves(
            Ask,
            3,
            manual=st.booleans(),
            key=st.none() | st.integers(0, 3),
            answer=_ANSWERS,
        ),
        *_moves(GetOn, 10, lesson=st.sampled_from(_LESSONS)),
        *_moves(Falter, 2, what=st.sampled_from(["beat", "beat", "fail", "stop", "die"])),
        *_moves(TellOfStop, 1, again=st.booleans()),
        *_moves(Intervene, 2, what=st.sampled_from(_MINDS)),
        *_moves(
            TimePasses,
            1,
            passed=st.sampled_from(_TIMES),
            fault=st.none(),
        ),
    ]
).flatmap(lambda kind: kind)
"""The loop goes round only where nearly all of it takes part, so its own parts come more often."""
