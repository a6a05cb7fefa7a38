"""A replay counts and reads in memory what the books count and read in SQL."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from autoretrain.domain.degradation import Calls, Record
from autoretrain.domain.gate import BASE_RATE
from autoretrain_local.replay.books import ReplayBooks
from autoretrain_local.replay.counting import calls_since, count, spreads_since
from autoretrain_local.replay.log import Log, logs_of
from autoretrain_local.replay.serving import NO_MODEL, Said, Serving
from autoretrain_local.replay.settings import Settings
from autoretrain_local.replay.simulated import Shelf, SimulatedClock
from autoretrain_local.trade_row import Trade
from autoretrain_trainer.rows import Trades, load_trades, to_microseconds
from tests.lessons import challenger, comparison, rows
from tests.storage.conftest import Stack
from tests.world import NOW

VERSIONS = ["v1", "v2", "someone's"]
EXPECTED = (Calls(2, 9, 7), Calls(7, 20, 11))
FIRST = NOW - timedelta(days=60)
_INSERT = """
INSERT INTO trades (id, strategy_id, symbol, side, decided_at, closed_at, pnl_pct, features, win,
    model_version, win_probability)
SELECT id, %s, symbol, side, decided_at, closed_at, pnl_pct, features, win, model_version,
    win_probability
FROM jsonb_to_recordset(%s::jsonb) AS given (id uuid, symbol text, side text,
    decided_at timestamptz, closed_at timestamptz, pnl_pct float8, features jsonb, win boolean,
    model_version text, win_probability float8)
"""


class Market:
    """The same random trades as rows of the user's table, and as a replay's log."""

    def __init__(self, seed: int, trades: int = 300) -> None:
        self.chance = random.Random(seed)
        # No two decided at once: which of them comes first is nobody's promise.
        minutes = self.chance.sample(range(50 * 24 * 60), trades)
        self.trades = [self._trade(number, minute) for number, minute in enumerate(minutes)]
        self.log: Log = logs_of(self.trades, ["rsi", "late", "never"])[""]
        said = [self._said() for _ in self.log.trade_ids]
        self.said = Said(
            np.array([probability for _, probability in said]),
            np.array([version for version, _ in said]),
            VERSIONS,
        )

    def moment(self, first_day: float, last_day: float) -> datetime:
        return FIRST + timedelta(minutes=self.chance.randint(*(_minutes(first_day, last_day))))

    def _trade(self, number: int, minute: int) -> Trade:
        chance = self.chance
        decided_at = FIRST + timedelta(minutes=minute)
        lasts = timedelta(minutes=chance.choice([-1, 0, 5, 300, 300, 5_000]))
        pnl_pct = chance.choice([1.5, -1.0, 0.0, chance.gauss(0, 1)])
        features = {"rsi": chance.gauss(0, 1)} | ({"late": 1.0} if minute > 40_000 else {})
        return Trade(
            trade_id=str(UUID(int=number)),
            symbol=chance.choice(["BTC", "ETH", ""]),
            side=chance.choice(["long", "short", ""]),
            decided_at=decided_at,
            closed_at=None if chance.random() < 0.1 else decided_at + lasts,
            pnl_pct=None if chance.random() < 0.04 else pnl_pct,
            features=features,
            win=chance.choice([None, None, pnl_pct > 0]),
        )

    def _said(self) -> tuple[int, float]:
        version = self.chance.choice([0, 0, 0, 1, 2, NO_MODEL])
        return version, self.chance.choice([0.5, 0.0, 1.0, self.chance.random()])

    def store(self, stack: Stack, strategy_id: UUID) -> None:
        by_id = {trade.trade_id: trade for trade in self.trades}
        given = [
            self._row(by_id[trade_id], int(version), float(probability))
            for trade_id, version, probability in zip(
                self.log.trade_ids, self.said.version, self.said.probability, strict=True
            )
        ]
        # A table of the user's own need not have the constraints that ours has.
        stack.world.run("ALTER TABLE trades ALTER symbol DROP NOT NULL, ALTER side DROP NOT NULL")
        stack.world.run(_INSERT, strategy_id, json.dumps(given))

    def _row(self, trade: Trade, version: int, probability: float) -> dict[str, Any]:
        return {
            "id": trade.trade_id,
            "symbol": trade.symbol or None,
            "side": trade.side or None,
            "decided_at": trade.decided_at.isoformat(),
            "closed_at": trade.closed_at.isoformat() if trade.closed_at else None,
            "pnl_pct": trade.pnl_pct,
            "features": trade.features,
            "win": trade.win,
            "model_version": None if version == NO_MODEL else VERSIONS[version],
            "win_probability": None if version == NO_MODEL else probability,
        }


def _minutes(*days: float) -> list[int]:
    return [int(day * 24 * 60) for day in days]


def books_of(log: Log, now: datetime) -> ReplayBooks:
    return ReplayBooks(log, Settings(), SimulatedClock(now), Shelf(), Serving(log, None))


@pytest.mark.parametrize("seed", range(6))
def test_replay_counts_what_the_check_counts(own: Stack, seed: int) -> None:
    market = Market(seed)
    strategy_id = own.world.strategy(ml_min_trades_for_training=60 + 40 * seed)
    market.store(own, strategy_id)
    read_at, live_from = market.moment(0, 40), market.moment(0, 40)
    judged = challenger(replace(comparison(0.6, 0.69), calls=EXPECTED), rows=rows(as_of=read_at))
    own.training.publish(own.running(strategy_id), judged, "k/1", live_from)

    for _ in range(8):
        as_of = market.moment(20, 59)
        snapshot = own.snapshot(strategy_id, as_of)
        moments = [to_microseconds(at) for at in (as_of, read_at, live_from)]

        found = count(market.log, market.said, moments[0], moments[1], "v1", snapshot.policy)
        live = calls_since(market.log, market.said, moments[2], moments[0], "v1")

        assert (found.total_trades, found.new_trades) == (
            snapshot.total_trades,
            snapshot.new_trades,
        )
        assert replace(found.recent, mean_confidence=None) == replace(
            snapshot.recent, mean_confidence=None
        )
        assert found.recent.mean_confidence == pytest.approx(snapshot.recent.mean_confidence)
        assert Record(EXPECTED, live) == snapshot.record


@pytest.mark.parametrize("seed", range(3))
def test_replay_spreads_features_as_the_check_does(own: Stack, seed: int) -> None:
    market = Market(seed, trades=900)
    strategy_id = own.world.strategy()
    market.store(own, strategy_id)
    own.world.run("UPDATE autoretrain.strategy_training SET feature_drift_psi = 0.25")
    read_at = market.moment(0, 30)
    reference: Any = {"rsi": {"edges": [-1.0, 0.0, 0.5], "rows": [9, 9, 9, 9, 0]}} | {
        name: {"edges": edges, "rows": [0] * (len(edges) + 2)}
        for name, edges in {"late": [1.0], "never": []}.items()
    }
    judged = challenger(comparison(0.6, 0.69), rows=rows(as_of=read_at), reference=reference)
    own.training.publish(own.running(strategy_id), judged, "k/1", read_at)

    for _ in range(6):
        as_of = market.moment(30, 59)
        snapshot = own.snapshot(strategy_id, as_of)
        moments = to_microseconds(read_at), to_microseconds(as_of)

        found = spreads_since(market.log, reference, *moments)

        assert [(one.feature, list(one.newest)) for one in found] == [
            (one.feature, list(one.newest)) for one in snapshot.spreads
        ]
        assert sum(found[0].newest) == min(snapshot.new_trades, 500)


def test_replay_counts_what_the_check_counts_before_the_first_training(own: Stack) -> None:
    market = Market(11, trades=1_400)
    strategy_id = own.world.strategy(ml_min_trades_for_training=300)
    market.store(own, strategy_id)
    totals = set()

    for day in range(0, 60, 4):
        as_of = FIRST + timedelta(days=day)
        snapshot = own.snapshot(strategy_id, as_of)

        found = count(market.log, market.said, to_microseconds(as_of), None, None, snapshot.policy)

        totals.add(found.total_trades)
        assert (found.total_trades, found.new_trades) == (
            snapshot.total_trades,
            snapshot.new_trades,
        )
        assert found.recent == snapshot.recent
    assert {0, 300} < totals


@pytest.mark.parametrize("newest", [40, 20_000])
def test_replay_hands_the_learner_the_rows_that_the_books_do(own: Stack, newest: int) -> None:
    market = Market(3)
    # Some bad rows are allowed, but not as many as the market has.
    market.trades = [
        replace(trade, pnl_pct=1.0, win=None, closed_at=trade.closed_at and trade.decided_at)
        if number % 2
        else trade
        for number, trade in enumerate(market.trades)
    ]
    market.log = logs_of(market.trades, ["rsi", "late", "never"])[""]
    strategy_id = own.world.strategy()
    market.store(own, strategy_id)
    dropped = 0

    for as_of in (market.moment(day, day + 5) for day in (5, 20, 35, 50)):
        with own.training.read_trades(strategy_id, as_of, newest) as reader:
            expected = load_trades(reader, reader.features(), newest)
        with books_of(market.log, as_of).read_trades(strategy_id, as_of, newest) as ours:
            found = load_trades(ours, ours.features(), newest)

        assert (found.features, found.symbols) == (expected.features, expected.symbols)
        assert found.dropped == expected.dropped
        assert found.as_of == expected.as_of
        _assert_same(found, expected)
        dropped += sum(found.dropped.values())
    assert dropped


def _assert_same(found: Trades, expected: Trades) -> None:
    for name in ("decided_at", "closed_at", "pnl_pct", "win", "executed", "side", "symbol"):
        assert np.array_equal(
            getattr(found, name), getattr(expected, name), equal_nan=name in ("pnl_pct", "side")
        ), name
    assert np.array_equal(found.values, expected.values, equal_nan=True)


def test_replay_counts_reused_rows_as_the_books_do(own: Stack) -> None:
    market = Market(7)
    strategy_id = own.world.strategy()
    market.store(own, strategy_id)
    books = books_of(market.log, NOW)
    for _ in range(3):
        begins = market.moment(0, 40)
        ends, reached_at = begins + timedelta(days=6), begins + timedelta(days=8)
        worse = replace(comparison(0.7, 0.69), judged_from=begins, judged_until=ends)
        kept = challenger(worse, rows=rows(as_of=NOW - timedelta(days=90)))
        assignment = own.running(strategy_id)
        own.training.publish(assignment, kept, "k", reached_at)
        books.publish(assignment, kept, "k", reached_at)

    counts = [
        _reused(books, own, strategy_id, rival, market.moment(0, 50))
        for rival in [BASE_RATE] * 8 + ["v9"]
    ]

    assert all(ours == theirs for ours, theirs in counts)
    assert max(ours for ours, _ in counts) > 0
    assert counts[-1] == (0, 0)


def _reused(
    books: ReplayBooks, stack: Stack, strategy_id: UUID, rival: str, since: datetime
) -> Sequence[int]:
    until = since + timedelta(days=9)
    return tuple(
        one.reused_rows(strategy_id, rival, since, until) for one in (books, stack.training)
    )
