"""Loads a strategy's trades once, in this process, and prints the seconds as JSON."""

from __future__ import annotations

import json
import re
import sys
from contextlib import closing
from typing import Any
from uuid import UUID

from bench.performance.timing import seconds_of


def ours(url: str, strategy: str, rows: int) -> float:
    """Seconds of what the trainer does, on a connection that it has."""
    from autoretrain.storage.clock import DatabaseClock
    from autoretrain.storage.connection import connect
    from autoretrain.storage.database import TRAINER, Database
    from autoretrain.storage.training import TrainBooks
    from autoretrain_trainer.rows import load_trades

    database = Database(lambda: connect(url), TRAINER)
    as_of = DatabaseClock(database).now()

    def load() -> None:
        with TrainBooks(database).read_trades(UUID(strategy), as_of, rows) as reader:
            trades = load_trades(reader, reader.features(), rows)
        if trades.values.shape[0] != rows:
            raise RuntimeError(f"{trades.values.shape} instead of {rows} rows")

    return seconds_of(load)


def read_sql(url: str, strategy: str, rows: int) -> float:
    """Seconds of what a script does."""
    import warnings

    import pandas as pd
    import psycopg2

    query = (
        "SELECT decided_at, closed_at, side, pnl_pct, features FROM public.trades"
        " WHERE strategy_id = %s AND closed_at IS NOT NULL ORDER BY decided_at DESC LIMIT %s"
    )

    def load() -> None:
        with closing(psycopg2.connect(url)) as opened, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it would rather have SQLAlchemy
            read = pd.read_sql(query, opened, params=(strategy, rows))
        matrix = pd.json_normalize(read["features"].tolist()).to_numpy("float64")
        if len(matrix) != rows:
            raise RuntimeError(f"{len(matrix)} instead of {rows} rows")

    return seconds_of(load)


def selected(url: str, strategy: str, rows: int) -> str:
    """The very query that the trainer streams, in one line."""
    from autoretrain.storage.clock import DatabaseClock
    from autoretrain.storage.connection import connect
    from autoretrain.storage.database import TRAINER, Database
    from autoretrain.storage.trades import CopyReader

    database = Database(lambda: connect(url), TRAINER)
    as_of = DatabaseClock(database).now()
    with database.snapshot() as tx:
        reader = CopyReader(tx, UUID(strategy), as_of, rows)
        features, symbols = reader.features(), reader.symbols()
        asked: list[str] = []
        tx.copy = lambda name, columns, values, _sink: asked.append(  # type: ignore[assignment, method-assign]
            _in_words(tx, name, columns, values)
        )
        reader.copy(features, symbols, sys.stdout.buffer)
    database.close()
    return asked[0]


def _in_words(tx: Any, name: str, columns: Any, values: Any) -> str:
    from autoretrain.storage.named import statement

    with tx._connection.cursor() as cursor:
        rows = cursor.mogrify(statement(name), values).decode()
        query = f"SELECT {columns.as_string(cursor)} FROM ({rows}) trades"
    return " ".join(re.sub("--.*", "", query).split())


if __name__ == "__main__":
    _, variant, url, strategy, rows = sys.argv
    load = {"ours": ours, "read_sql": read_sql}[variant]
    print(json.dumps({"seconds": load(url, strategy, int(rows))}))
