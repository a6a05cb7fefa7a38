"""The bots of a soak: their strategies, the trades that they close by a seed, and who is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from uuid import UUID

from psycopg2.extensions import connection
from psycopg2.extras import execute_values

from tests.world import USER

MIN_TRADES = 60
MOST_PER_HOUR = 2.0
WIN_RATE = 0.64

_ENROL = """
INSERT INTO public.ai_strategies (id, user_id, name, ml_min_trades_for_training) VALUES %s
"""
_CLOSE = """
INSERT INTO public.trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct) VALUES %s
"""
# Without the degradation condition: whoever is due by that one may be trained as well.
_DUE = """
SELECT s.id FROM autoretrain.strategies s
JOIN autoretrain.strategy_training t ON t.strategy_id = s.id
WHERE t.paused_reason IS NULL AND t.next_eligible_at <= %(now)s
    AND (SELECT count(*) FROM public.trades WHERE strategy_id = s.id)
        >= s.ml_min_trades_for_training
    AND (
        s.ml_model_trained_at IS NULL
        OR s.ml_model_trained_at < %(now)s - t.max_age_days * interval '1 day'
        OR (
            SELECT count(*) FROM public.trades
            WHERE strategy_id = s.id AND decided_at >= s.ml_model_trained_at
        ) >= t.new_trades_threshold
    )
"""
_TRAINED = "SELECT id, ml_model_trained_at FROM public.ai_strategies WHERE id = ANY(%s::uuid[])"


class Bots:
    """Each strategy trades at a pace of its own, from next to nothing to twice an hour; every
    other one has enough trades for a first training from the beginning."""

    def __init__(self, opened: connection, random: Random, strategies: int, now: datetime) -> None:
        self._opened = opened
        self._random = random
        self.ids = [UUID(int=n) for n in range(1, strategies + 1)]
        self._pace = [random.uniform(0, MOST_PER_HOUR) for _ in self.ids]
        self._write(
            _ENROL, [(str(one), str(USER), f"bot {one.int}", MIN_TRADES) for one in self.ids]
        )
        for strategy_id in self.ids[::2]:
            self._close([strategy_id] * MIN_TRADES, now)

    def trade(self, now: datetime) -> None:
        """What was closed in the last hour."""
        closing = []
        for strategy_id, pace in zip(self.ids, self._pace, strict=True):
            whole, rest = divmod(pace, 1)
            closing += [strategy_id] * (int(whole) + (self._random.random() < rest))
        self._close(closing, now)

    def due(self, now: datetime) -> set[UUID]:
        """Whom the hourly tick has to train."""
        with self._opened, self._opened.cursor() as cursor:
            cursor.execute(_DUE, {"now": now})
            return {UUID(str(one)) for (one,) in cursor.fetchall()}

    def trained_since(self, since: Mapping[UUID, datetime]) -> list[UUID]:
        """Those who have been trained since their time."""
        with self._opened, self._opened.cursor() as cursor:
            cursor.execute(_TRAINED, ([str(one) for one in since],))
            trained = {UUID(str(one)): at for one, at in cursor.fetchall() if at is not None}
        return [one for one, at in trained.items() if at >= since[one]]

    def _close(self, strategies: list[UUID], now: datetime) -> None:
        rows = [
            (str(one), "BTC", "long", now, now, 1 if self._random.random() < WIN_RATE else -1)
            for one in strategies
        ]
        self._write(_CLOSE, rows)

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._opened, self._opened.cursor() as cursor:
            execute_values(cursor, statement, rows)
