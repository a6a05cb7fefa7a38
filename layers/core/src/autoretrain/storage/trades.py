"""A strategy's trades as a stream of fixed-width rows; the layout is `ports.TradeReader.copy`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, BinaryIO
from uuid import UUID

import psycopg2
from psycopg2 import sql

from autoretrain.errors import DataError
from autoretrain.storage.connection import first_line
from autoretrain.storage.database import Transaction

_LAYOUT = sql.SQL(
    """
    hashtextextended(coalesce(id, ''), 0), coalesce(decided_at, 'infinity'), closed_at,
    coalesce(pnl_pct, 'NaN'), coalesce(win::integer::float8, 'NaN'),
    CASE WHEN side IN ('long', 'buy') THEN 1::float8 WHEN side IN ('short', 'sell') THEN -1::float8
        WHEN side IS NULL THEN 'NaN'::float8 ELSE 'Infinity'::float8 END,
    executed::integer::float8,
    coalesce(array_position({symbols}, symbol) - 1, -1)::int8,
    coalesce(CASE WHEN model_version IS NOT NULL THEN win_probability END, 'NaN')
    """
)
_NUMBER = sql.SQL(
    "coalesce(CASE WHEN plain OR jsonb_typeof(features -> {name}) = 'number'"
    " THEN (features ->> {name})::float8 END, 'NaN')"
)


class CopyReader:
    """Reads inside one snapshot; names and rows belong together."""

    def __init__(self, tx: Transaction, strategy_id: UUID, as_of: datetime, newest: int) -> None:
        self.as_of = as_of
        self._tx = tx
        self._values = {"strategy_id": strategy_id, "as_of": as_of, "newest": newest}

    def features(self) -> list[str]:
        return sorted(self._names.features)

    def symbols(self) -> list[str]:
        return sorted(self._names.symbols)

    @cached_property
    def _names(self) -> Any:
        return self._tx.one("trade_names", **self._values)

    def copy(self, features: Sequence[str], symbols: Sequence[str], sink: BinaryIO) -> None:
        asked = self._values | {"words": self._names.words}
        values = [_NUMBER.format(name=sql.Literal(feature)) for feature in features]
        layout = _LAYOUT.format(symbols=sql.Literal(list(symbols)) + sql.SQL("::text[]"))
        try:
            self._tx.copy("training_trades", sql.SQL(", ").join([layout, *values]), asked, sink)
        except (psycopg2.DataError, psycopg2.errors.ProgramLimitExceeded) as exc:
            raise DataError(
                "unreadable_trades",
                f"`trades` holds a value that cannot be used: {first_line(exc)}",
            ) from exc
