"""The database that one example after the other is played on, and its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from autoretrain.storage.database import TRAINER
from tests.faults.figures import Figures
from tests.faults.wire import Wire
from tests.world import USER

MIN_TRADES = 60
_EMPTY = """
TRUNCATE public.ai_strategies, public.ai_strategy_ml_models, public.trades,
    autoretrain.strategy_training, autoretrain.training_runs, autoretrain.model_artifacts,
    autoretrain.current_decisions, autoretrain.retrain_decisions, autoretrain.model_activations,
    autoretrain.outbox, autoretrain.idempotency_keys;
UPDATE autoretrain.launch_control
SET refusals_in_a_row = 0, stopped_reason = NULL, probed_at = '-infinity';
"""
_ENROL = """
INSERT INTO public.ai_strategies (id, user_id, name, ml_min_trades_for_training)
VALUES (%(id)s, %(user)s, %(name)s, %(trades)s);
INSERT INTO autoretrain.strategy_training (strategy_id, new_trades_threshold) VALUES (%(id)s, 1);
INSERT INTO public.trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct)
SELECT %(id)s, 'BTC', 'long', at, at, 1 - 2 * (n %% 2)
FROM generate_series(1, %(trades)s) n, LATERAL (SELECT %(now)s - n * interval '1 h' AS at) decided;
"""
# Only what is compared with the database's own time.
_PASS_BY = """
UPDATE autoretrain.training_runs
SET lease_expires_at = lease_expires_at - %(passed)s, starting_at = starting_at - %(passed)s,
    running_at = running_at - %(passed)s, queued_at = queued_at - %(passed)s;
UPDATE autoretrain.strategy_training SET next_eligible_at = next_eligible_at - %(passed)s;
UPDATE autoretrain.launch_control SET probed_at = probed_at - %(passed)s;
"""
_TRADE = """
INSERT INTO public.trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct)
VALUES (%(strategy_id)s, 'BTC', 'long', %(now)s, %(now)s, 1);
"""


class Bench:
    """`pulse` is a second connection, for the heartbeat of a trainer that works by itself."""

    def __init__(self, url: str, figures: Figures) -> None:
        self.url = url
        self.wire = Wire(url)
        self._second = Wire(url)
        self.pulse = self._second.database(TRAINER)
        self.figures = figures

    def empty(self) -> None:
        self.run(_EMPTY)

    def enrol(self, strategy_id: UUID, now: datetime) -> None:
        values = {"id": strategy_id, "user": USER, "name": f"strategy {strategy_id.int}"}
        self.run(_ENROL, now=now, trades=MIN_TRADES, **values)

    def pass_by(self, passed: timedelta) -> None:
        """Nothing waits: every time in the books moves back instead."""
        self.run(_PASS_BY, passed=passed)

    def add_trade(self, strategy_id: UUID, now: datetime) -> None:
        self.run(_TRADE, strategy_id=strategy_id, now=now)

    def run(self, statements: str, **values: Any) -> None:
        with self.wire.real, self.wire.real.cursor() as cursor:
            cursor.execute(statements, values)

    def close(self) -> None:
        self.wire.close()
        self._second.close()


@contextmanager
def bench_on(url: str, figures: Figures) -> Iterator[Bench]:
    bench = Bench(url, figures)
    try:
        yield bench
    finally:
        bench.close()
