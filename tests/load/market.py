"""A database full of strategies that are all due, and a few whose owners use the API."""

from __future__ import annotations

from contextlib import closing
from typing import Any, NamedTuple
from uuid import UUID

import psycopg2

from autoretrain.storage.connection import connect
from autoretrain.storage.migrate import migrate
from autoretrain_local.first_token import create

TRADES = 120
OWNER = UUID(int=0xA0000000)
CROWD = 0x1000000  # above every client's number: what clients own is checked first

_STRATEGIES = """
INSERT INTO public.ai_strategies (id, user_id, name)
SELECT lpad(to_hex(n), 32, '0')::uuid, %(owner)s, 'strategy ' || n
FROM generate_series(%(first)s, %(last)s) n
"""
# They win when `edge` is high, with noise.
_TRADES = """
INSERT INTO public.trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct, features)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'BTC', 'long', at, at + interval '10 min',
    CASE WHEN edge + random() > 1 THEN 1 ELSE -1 END,
    jsonb_build_object('edge', edge, 'rsi', random(), 'volume', random())
FROM generate_series(%(first)s, %(last)s) n, generate_series(1, %(trades)s) k,
    LATERAL (SELECT random() + n * 0 AS edge, now() - k * interval '30 min' AS at) drawn
"""


class Client(NamedTuple):
    """Somebody with a token, and a strategy of their own."""

    token: str
    strategy_id: str


class Market:
    """What the database holds, looked at from outside."""

    def __init__(self, url: str) -> None:
        self.url = url
        with closing(connect(url)) as opened:
            migrate(opened)

    def clients(self, count: int) -> list[Client]:
        made = []
        for number in range(1, count + 1):
            user_id = UUID(int=OWNER.int + number)
            self._add(number, number, user_id)
            token = create(self.url, user_id, "load")
            made.append(Client(token, str(UUID(int=number))))
        return made

    def crowd(self, count: int) -> None:
        self._add(CROWD, CROWD + count - 1, OWNER)
        opened = psycopg2.connect(self.url)
        opened.autocommit = True
        with closing(opened), opened.cursor() as cursor:
            cursor.execute("ANALYZE")

    def ask(self, query: str, **values: Any) -> Any:
        """The row that it gives."""
        with closing(psycopg2.connect(self.url)) as opened, opened, opened.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchone() if cursor.description else None

    def _add(self, first: int, last: int, owner: UUID) -> None:
        self.ask(_STRATEGIES, first=first, last=last, owner=str(owner))
        self.ask(_TRADES, first=first, last=last, trades=TRADES)
