from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoretrain.domain.gate import Comparison, TooFewRows
from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment, Challenger, Champion, Election, Memory, StoredFile
from autoretrain.errors import ArtifactUnavailable
from autoretrain_trainer.election import RECORDED, Record, elect
from autoretrain_trainer.learner import LightGBMLearner
from autoretrain_trainer.recall import rows_of
from autoretrain_trainer.rows import Floats, to_datetime, to_microseconds
from tests.unit.trainer.trade_stream import (
    AS_OF,
    HOUR,
    START,
    FakeArtifacts,
    FakeBooks,
    Reports,
    Trade,
    assignment,
    loaded,
    market,
)

EVEN = np.arange(2000) % 2 == 0


def record(rows: int, advantage: float, first: int = START) -> Record:
    """A trade each hour that lasts one; the short memory is better by `advantage`, give or take."""
    decided_at = first + HOUR * np.arange(rows, dtype=np.int64)
    noise = np.where(EVEN[:rows], 1.0, -1.0)
    long = np.full(rows, 0.7) + noise
    return Record(decided_at, decided_at + HOUR, long, np.full(rows, 0.7 - advantage))


def test_short_memory_stands_when_it_was_better_beyond_doubt() -> None:
    # Standard deviation 1, so the standard error over 400 trades is .05.
    election = elect(record(400, 0.11), None)
    assert (election.memory, election.scored) == (Memory.SHORT, 400)
    assert election.z == pytest.approx(2.2, abs=0.01)


@pytest.mark.parametrize("advantage", [0.099, 0.0, -0.5])
def test_long_memory_stands_when_the_short_one_was_not_better_beyond_doubt(
    advantage: float,
) -> None:
    election = elect(record(400, advantage), None)
    assert election.memory is Memory.LONG
    assert election.z == pytest.approx(20 * advantage, abs=0.05)


def test_long_memory_stands_when_fewer_than_a_hundred_trades_tell() -> None:
    assert elect(record(99, 9.0), None) == Election(Memory.LONG, 99)
    assert elect(record(100, 9.0), None).memory is Memory.SHORT


def test_only_the_newest_five_hundred_elect() -> None:
    long_ago, lately = record(1000, 9.0), record(500, -9.0, first=START + 1000 * HOUR)
    election = elect(long_ago.and_then(lately), None)
    assert (election.memory, election.scored) == (Memory.LONG, 500)


def test_trades_that_were_open_at_the_first_judged_decision_do_not_elect() -> None:
    told = record(150, 9.0)
    # The trade of hour n closes at hour n + 1: that of hour 119 has not closed before hour 120.
    assert elect(told, START + 120 * HOUR).scored == 119
    still_open = replace(told, closed_at=told.closed_at + 1000 * HOUR)
    assert elect(still_open, START + 120 * HOUR) == Election(Memory.LONG, 0)


@given(
    st.lists(st.floats(-5, 5), min_size=150, max_size=150),
    st.integers(0, 160),
    st.lists(st.floats(0, 9), min_size=150, max_size=150),
)
def test_who_stands_does_not_hang_on_what_closed_later(
    advantage: list[float], first_judged: int, otherwise: list[float]
) -> None:
    moment = START + first_judged * HOUR
    told = record(150, 0.0)
    told = replace(told, short=told.long - np.array(advantage))
    later = told.closed_at >= moment
    changed = replace(told, short=np.where(later, np.array(otherwise), told.short))
    assert elect(told, moment) == elect(changed, moment)


def test_record_keeps_the_newest_in_the_order_of_the_decisions() -> None:
    late, early = record(RECORDED, 0.0, first=START + 10 * HOUR), record(10, 1.0)
    both = late.and_then(early)
    assert len(both) == RECORDED
    assert both.decided_at.tolist() == late.decided_at.tolist()
    assert record(3, 0.0, first=START + HOUR).and_then(record(1, 0.5)).decided_at.tolist() == [
        START + n * HOUR for n in range(4)
    ]


def test_memories_hold_the_newest_trades() -> None:
    trades = loaded(market(501))
    short = rows_of(Memory.SHORT, trades)
    assert short.decided_at.tolist() == trades.decided_at[1:].tolist()
    assert len(rows_of(Memory.LONG, trades)) == 501
    fewer = trades.newest(500)
    assert rows_of(Memory.SHORT, fewer) is rows_of(Memory.LONG, fewer) is fewer


def test_long_memory_holds_eight_thousand_when_more_are_read() -> None:
    hour = np.arange(8_005, dtype=np.int64)
    many = replace(loaded(market(1)), win=hour % 2 == 0, decided_at=hour)
    assert rows_of(Memory.LONG, many).decided_at.tolist() == hour[5:].tolist()


def test_short_memory_is_the_long_one_when_it_holds_too_few_of_a_class() -> None:
    trades = [replace(t, pnl_pct=1.0 if t.id >= 500 and t.id % 200 else -1.0) for t in market(1500)]
    assert len(rows_of(Memory.SHORT, loaded(trades))) == 1500


@dataclass
class Loop:
    """Trains on the same trades again and again while time goes by, as the hourly loop does."""

    trades: Sequence[Trade]
    artifacts: FakeArtifacts = field(default_factory=FakeArtifacts)
    champion: Champion | None = None
    memories: StoredFile | None = None
    trainings: int = 0

    def train(self, hour: int, *, activate: bool = False, **task: Any) -> Challenger:
        now = START + hour * HOUR
        known = [trade for trade in self.trades if trade.closed_at <= now]
        told = assignment(self.champion, memories=self.memories, **task)
        lesson = LightGBMLearner(FakeBooks(known), self.artifacts).learn(
            told, to_datetime(now), Reports()
        )
        assert isinstance(lesson, Challenger)
        self.trainings += 1
        self.memories = self.artifacts.keep(lesson.memories, f"memories/{self.trainings}.json")
        if activate:
            self.champion = self.artifacts.store(lesson, f"v{self.trainings}")
        return lesson

    def kept(self) -> dict[str, Any]:
        assert self.memories is not None
        stored: dict[str, Any] = json.loads(self.artifacts.files[self.memories.key])
        return stored

    def elect_short(self, until: int) -> None:
        """Let the record say that the short memory was better on 500 trades before that hour."""
        kept = self.kept()
        told = record(500, 0.5, first=START + (until - 501) * HOUR)
        kept["record"] = {
            "decided_at": told.decided_at.tolist(),
            "closed_at": told.closed_at.tolist(),
            "long": micronats(told.long),
            "short": micronats(told.short),
        }
        self.memories = self.artifacts.keep(json.dumps(kept).encode(), "crafted.json")


def test_first_training_leaves_one_memory_for_both_and_an_empty_record() -> None:
    loop = Loop(market(300))
    lesson = loop.train(250)
    assert lesson.election == Election(Memory.LONG, 0)
    kept = loop.kept()
    assert kept["long"]["text"] == lesson.served.model_text.decode()
    assert kept["short"] is None
    assert kept["record"] == {"decided_at": [], "closed_at": [], "long": [], "short": []}


def test_every_trade_is_scored_once_by_the_memories_of_the_training_before() -> None:
    trades = market(420)
    loop = Loop(trades)
    hours = (150, 195, 240, 290, 300, 370, 420)
    for number, hour in enumerate(hours):
        loop.train(hour, activate=number in (0, 3))
    scored = loop.kept()["record"]["decided_at"]
    assert len(scored) == len(set(scored))
    for begun, ended in pairwise(START + hour * HOUR for hour in hours):
        since = {t.decided_at for t in trades if t.decided_at >= begun and t.closed_at <= ended}
        assert since <= set(scored)


def micronats(losses: Floats) -> list[int]:
    whole: list[int] = np.rint(losses * 1e6).astype(int).tolist()
    return whole


def predicted(kept: dict[str, Any], memory: str, trade: Trade) -> float:
    booster = lgb.Booster(model_str=kept[memory]["text"])
    code = {"BTC": 1.0, "ETH": 2.0, None: 0.0}[trade.symbol]
    row = [trade.features[name] for name in ("adx", "rsi", "volume")]
    probability = np.asarray(booster.predict(np.array([[*row, trade.side, code]])))
    return min(max(float(probability[0]), 0.01), 0.99)


def test_score_is_the_log_loss_of_either_memory_on_a_trade_that_it_never_saw() -> None:
    trades = market(1200)
    loop = Loop(trades)
    loop.train(1100)
    before = loop.kept()
    loop.train(1160)
    told = loop.kept()["record"]
    assert before["short"]["rows"] == 500 < before["long"]["rows"]
    by_moment = {trade.decided_at: trade for trade in trades}
    for memory in ("long", "short"):
        expected = []
        for moment in told["decided_at"]:
            chance = predicted(before, memory, by_moment[moment])
            won = by_moment[moment].pnl_pct > 0
            expected.append(-math.log(chance if won else 1 - chance))
            assert moment >= before[memory]["data_cutoff"]
        assert np.array(told[memory]) / 1e6 == pytest.approx(expected, abs=1e-5)
    assert 40 < len(told["decided_at"]) <= 60
    assert told["long"] != told["short"]


def grown(rows: int = 1400) -> Loop:
    """A loop with a champion of its first 1,200 trades."""
    loop = Loop(market(rows))
    loop.train(1200, activate=True)
    return loop


def test_elected_short_memory_is_judged_and_refit_on_the_newest_five_hundred() -> None:
    loop = grown()
    loop.elect_short(until=1200)
    lesson = loop.train(1300, force=True)
    assert (lesson.election.memory, lesson.election.scored) == (Memory.SHORT, 500)
    assert lesson.fitted_rows == 500
    assert isinstance(lesson.evidence, Comparison)
    first = to_microseconds(lesson.evidence.judged_from)
    kept = loop.kept()
    # The short one earned the evidence; both are as they were before the first judged decision.
    assert kept["short"]["rows"] == 500
    assert max(kept[memory]["data_cutoff"] for memory in ("long", "short")) < first
    assert kept["short"]["text"] != lesson.served.model_text.decode()


@pytest.mark.parametrize("hour", [1260, 1300, 1390])
def test_both_memories_had_learnt_all_before_the_first_judged_decision(hour: int) -> None:
    loop = grown()
    loop.memories = None
    evidence = loop.train(hour).evidence
    assert isinstance(evidence, Comparison)
    cutoffs = [loop.kept()[memory]["data_cutoff"] for memory in ("long", "short")]
    assert max(cutoffs) < to_microseconds(evidence.judged_from)


def test_manifest_says_which_memory_stood_and_why() -> None:
    loop = grown()
    loop.elect_short(until=1200)
    lesson = loop.train(1300)
    told: Json = lesson.served.manifest["memory"]  # type: ignore[assignment]
    assert (told["stood"], told["scored"], told["note"]) == ("short", 500, None)
    assert told["z"] == lesson.election.z
    assert lesson.served.manifest["rows"]["fitted"] == 500  # type: ignore[call-overload,index]


def test_judged_outcomes_never_change_who_stands() -> None:
    elections, judged = [], []
    for turned in (1.0, -1.0):
        loop = grown()
        loop.elect_short(until=1210)
        loop.trades = [
            replace(t, pnl_pct=turned * t.pnl_pct) if t.id >= 1248 else t for t in loop.trades
        ]
        lesson = loop.train(1300)
        assert isinstance(lesson.evidence, Comparison)
        assert lesson.evidence.judged_from == to_datetime(START + 1248 * HOUR)
        elections.append(lesson.election)
        judged.append(lesson.evidence.challenger.accuracy)
    assert elections[0] == elections[1]
    assert judged[0] != judged[1]


def test_first_model_is_of_the_short_memory_when_an_old_record_says_so() -> None:
    loop = Loop(market(2000, signal=0.3))
    loop.train(1500)
    # The judged folds begin at 40 %.
    loop.elect_short(until=620)
    lesson = loop.train(1600)
    assert lesson.election.memory is Memory.SHORT
    assert lesson.fitted_rows == 500


def test_memories_are_kept_when_too_few_trades_are_unseen() -> None:
    loop = grown()
    lesson = loop.train(1215)
    assert isinstance(lesson.evidence, TooFewRows)
    kept = loop.kept()
    assert kept["long"]["data_cutoff"] == to_microseconds(lesson.data_cutoff)
    assert kept["short"]["rows"] == 500
    assert len(kept["record"]["decided_at"]) > 5


def test_memory_that_does_not_stand_is_fitted_anew_only_when_a_fifth_is_new() -> None:
    loop = Loop(market(1500))
    loop.train(1200, activate=True)
    before = loop.kept()
    loop.train(1260)
    soon = loop.kept()
    assert soon["long"] != before["long"]
    assert soon["short"] == before["short"]
    loop.train(1490)
    assert loop.kept()["short"] != before["short"]


def test_memory_is_fitted_anew_when_the_settings_are_others() -> None:
    loop = Loop(market(1500))
    loop.train(1200, activate=True)
    before = loop.kept()
    loop.train(1240, feature_weights={"rsi": 0.5})
    assert loop.kept()["short"]["text"] != before["short"]["text"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param({"memories/1.json": b"{}"}, "artifact_corrupt", id="changed"),
        pytest.param({}, "baseline_unreadable", id="gone"),
    ],
)
def test_training_begins_a_new_record_when_the_last_one_cannot_be_read(
    spoil: dict[str, bytes], code: str
) -> None:
    loop = grown()
    del loop.artifacts.files["memories/1.json"]
    loop.artifacts.files.update(spoil)
    lesson = loop.train(1300)
    assert (lesson.election.memory, lesson.election.scored) == (Memory.LONG, 0)
    note = f"a new record begins, the last one cannot be read ({code})"
    assert lesson.election.note == note
    assert lesson.served.manifest["memory"]["note"] == note  # type: ignore[call-overload,index]
    assert loop.kept()["record"]["decided_at"] == []
    assert loop.train(1350).election.note is None
    assert len(loop.kept()["record"]["decided_at"]) > 40


def test_training_begins_a_new_record_when_the_last_one_is_of_another_format() -> None:
    loop = grown()
    loop.memories = loop.artifacts.keep(b'{"format": 1}')
    assert loop.train(1300).election.note is not None


class Unreachable(FakeArtifacts):
    def get(self, key: str, sha256: str) -> bytes:
        raise ArtifactUnavailable(key)


def test_training_waits_for_the_store_when_it_does_not_answer() -> None:
    told: Assignment = assignment(memories=StoredFile("memories.json", "0" * 64))
    learner = LightGBMLearner(FakeBooks(market(200)), Unreachable())
    with pytest.raises(ArtifactUnavailable):
        learner.learn(told, AS_OF, Reports())
