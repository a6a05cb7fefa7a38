"""Writes trades to the user's tables, so that writing the same ones again changes nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID, uuid4, uuid5

import psycopg2
from psycopg2.extensions import connection

from autoretrain.errors import ContractError, DatabaseUnavailable, OperatorError
from autoretrain.storage.connection import first_line
from autoretrain_local.trade_row import Trade

_LOCK = 7_301_120_003  # two imports at once would both create the strategy
_BATCH_ROWS = 10_000
_WRITABLE = 4 | 8  # pg_relation_is_updatable: UPDATE and INSERT

# In the types of the user's own columns, which round: what is compared is what would be stored.
_INCOMING = """
CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS
SELECT id, symbol, side, decided_at, closed_at, pnl_pct, features FROM public.trades
WITH NO DATA
"""
_DIFFERING = """
CREATE TEMPORARY TABLE differing ON COMMIT DROP AS
SELECT i.* FROM pg_temp.incoming i JOIN public.trades known ON known.id = i.id
WHERE (i.symbol, i.side, i.decided_at, i.closed_at, i.pnl_pct, i.features) IS DISTINCT FROM
    (known.symbol, known.side, known.decided_at, known.closed_at, known.pnl_pct, known.features)
"""
_UPDATE_CLOSED = """
UPDATE public.trades known SET closed_at = d.closed_at, pnl_pct = d.pnl_pct
FROM pg_temp.differing d
WHERE known.id = d.id AND known.closed_at IS NULL AND d.closed_at IS NOT NULL
"""
_REPLACE = """
UPDATE public.trades known
SET symbol = d.symbol, side = d.side, decided_at = d.decided_at, closed_at = d.closed_at,
    pnl_pct = d.pnl_pct, features = d.features
FROM pg_temp.differing d
WHERE known.id = d.id
"""
_INSERT_NEW = """
INSERT INTO public.trades
    (id, strategy_id, symbol, side, decided_at, closed_at, pnl_pct, features)
SELECT i.id, %s, i.symbol, i.side, i.decided_at, i.closed_at, i.pnl_pct, i.features
FROM pg_temp.incoming i
WHERE NOT EXISTS (SELECT FROM public.trades known WHERE known.id = i.id)
"""
_COUNT_LATE = """
SELECT count(*)
FROM pg_temp.incoming i
JOIN public.ai_strategies s ON s.id = %s AND i.decided_at < s.ml_model_trained_at
WHERE i.closed_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM public.trades known WHERE known.id = i.id)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the trades; the `different` ones are known, and were kept as they were.

    `late` of the new ones are closed and were decided before the last training: no condition
    counts them.
    """

    strategy_id: UUID
    is_new_strategy: bool
    new: int
    updated: int
    different: int
    unchanged: int
    late: int

    @property
    def total(self) -> int:
        return self.new + self.updated + self.different + self.unchanged


def store_trades(
    opened: connection,
    user_id: UUID,
    strategy: str,
    trades: Iterable[Trade],
    *,
    replace: bool = False,
) -> Stored:
    """Write the trades of the user's strategy of that name, all or none of them.

    The strategy is created where there is none. A trade is known by its own id; one that was open
    and has closed since is updated. Any other that is known stays as it is, or with `replace`
    becomes what it is here.

    Raises ContractError where the user's tables do not take trades, OperatorError where several
    strategies have the name, DatabaseUnavailable.
    """
    with _translated(), opened, opened.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _check_takes_trades(cursor)
        known = _find_strategy(cursor, user_id, strategy)
        strategy_id = known or _create_strategy(cursor, user_id, strategy)
        total = _copy(cursor, strategy_id, trades)
        differing = _count(cursor, _DIFFERING)
        updated = _count(cursor, _REPLACE if replace else _UPDATE_CLOSED)
        late = _count_late(cursor, strategy_id)
        new = _count(cursor, _INSERT_NEW, strategy_id)
    unchanged = total - new - differing
    return Stored(strategy_id, known is None, new, updated, differing - updated, unchanged, late)


def _count(cursor: Any, statement: str, *values: Any) -> int:
    """Run the statement; returns the number of rows it touched."""
    cursor.execute(statement, values)
    return int(cursor.rowcount)


def _count_late(cursor: Any, strategy_id: UUID) -> int:
    cursor.execute(_COUNT_LATE, (strategy_id,))
    return int(cursor.fetchone()[0])


def _check_takes_trades(cursor: Any) -> None:
    cursor.execute(
        "SELECT format_type(atttypid, NULL), pg_relation_is_updatable(attrelid, true)"
        " FROM pg_attribute WHERE attrelid = to_regclass('public.trades') AND attname = 'id'"
    )
    id_type, writable = cursor.fetchone()
    if writable & _WRITABLE != _WRITABLE:
        raise ContractError(
            "public.trades is a view that does not take INSERT and UPDATE: write the trades to"
            " the table behind it yourself"
        )
    if id_type != "uuid":
        raise ContractError(
            f"column public.trades.id is {id_type}, not uuid: an imported trade could not be"
            " recognised, so write the trades to the table yourself"
        )


def _find_strategy(cursor: Any, user_id: UUID, name: str) -> UUID | None:
    cursor.execute(
        "SELECT id FROM public.ai_strategies WHERE user_id = %s AND name = %s", (user_id, name)
    )
    found = [row[0] for row in cursor.fetchall()]
    if len(found) > 1:
        raise OperatorError(f"{len(found)} strategies are called {name}: rename all but one")
    return found[0] if found else None


def _create_strategy(cursor: Any, user_id: UUID, name: str) -> UUID:
    strategy_id = uuid4()
    cursor.execute(
        "INSERT INTO public.ai_strategies (id, user_id, name, is_active, ml_training_enabled)"
        " VALUES (%s, %s, %s, true, true)",
        (strategy_id, user_id, name),
    )
    return strategy_id


def _copy(cursor: Any, strategy_id: UUID, trades: Iterable[Trade]) -> int:
    """Bring the trades to a table of this transaction's own; returns how many."""
    cursor.execute(_INCOMING)
    waiting, total = iter(trades), 0
    while batch := list(islice(waiting, _BATCH_ROWS)):
        cursor.copy_expert(
            "COPY pg_temp.incoming FROM STDIN (FORMAT csv)", _as_csv(strategy_id, batch)
        )
        total += len(batch)
    cursor.execute("ANALYZE pg_temp.incoming")
    return total


def _as_csv(strategy_id: UUID, trades: Iterable[Trade]) -> io.StringIO:
    """The columns of the table; None is written as nothing, which COPY reads as NULL."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(
        (
            uuid5(strategy_id, trade.trade_id),
            trade.symbol,
            trade.side,
            trade.decided_at,
            trade.closed_at,
            trade.pnl_pct,
            json.dumps(trade.features),
        )
        for trade in trades
    )
    buffer.seek(0)
    return buffer


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as exc:
        raise DatabaseUnavailable(
            f"the database did not answer, nothing was written: {first_line(exc)}"
        ) from exc
    except psycopg2.Error as exc:
        raise ContractError(
            f"the database refuses the trades, nothing was written: {first_line(exc)}"
        ) from exc
