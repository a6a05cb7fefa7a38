"""The user's side of a test: strategies and trades, as a bot would have written them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg2
from psycopg2 import extras, sql

NOW = datetime.now(UTC).replace(microsecond=0)
USER = UUID("00000000-0000-0000-0000-0000000000aa")


@dataclass(frozen=True)
class World:
    """Writes to the user's tables or views with the user's own login."""

    url: str

    def strategy(self, name: str = "momentum", **columns: Any) -> UUID:
        strategy_id: UUID = columns.pop("id", None) or uuid4()
        values = {"id": strategy_id, "user_id": USER, "name": name, "is_active": True} | columns
        values.setdefault("ml_training_enabled", True)
        self._insert("ai_strategies", [values])
        self.run("INSERT INTO autoretrain.strategy_training (strategy_id) VALUES (%s)", strategy_id)
        return strategy_id

    def trades(
        self,
        strategy_id: UUID,
        pnl_pcts: Sequence[float | None],
        first: datetime = NOW - timedelta(days=40),
        every: timedelta = timedelta(minutes=30),
        lasts: timedelta = timedelta(minutes=10),
        features: Sequence[Mapping[str, Any]] | None = None,
        **columns: Any,
    ) -> None:
        rows = [
            {
                "strategy_id": strategy_id,
                "symbol": "BTC",
                "side": "long",
                "decided_at": first + every * n,
                "closed_at": first + every * n + lasts,
                "pnl_pct": pnl_pct,
                "features": json.dumps(features[n] if features else {"rsi": float(n % 7)}),
                "executed": True,
            }
            | columns
            for n, pnl_pct in enumerate(pnl_pcts)
        ]
        self._insert("trades", rows)

    def run(self, statement: str, *values: Any) -> list[Any]:
        opened = psycopg2.connect(self.url)
        extras.register_uuid(conn_or_curs=opened)  # type: ignore[no-untyped-call]
        try:
            with opened, opened.cursor(cursor_factory=extras.NamedTupleCursor) as cursor:
                cursor.execute(statement, values)  # type: ignore[no-untyped-call]
                # Rows without columns would be lost, and their number with them.
                assert cursor.description or not statement.startswith("SELECT")
                return cursor.fetchall() if cursor.description else []
        finally:
            opened.close()

    def one(self, statement: str, *values: Any) -> Any:
        (row,) = self.run(statement, *values)
        return row

    def vacuum(self) -> None:
        opened = psycopg2.connect(self.url)
        opened.autocommit = True
        with opened.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        opened.close()

    def _insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        opened = psycopg2.connect(self.url)
        extras.register_uuid(conn_or_curs=opened)  # type: ignore[no-untyped-call]
        names = list(rows[0]) if rows else []
        insert = sql.SQL("INSERT INTO {} ({}) VALUES %s").format(
            sql.Identifier("public", table), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with opened, opened.cursor() as cursor:
            extras.execute_values(cursor, insert, [[row[name] for name in names] for row in rows])
        opened.close()
