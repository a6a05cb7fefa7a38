"""Owns what benchmarks share: a PostgreSQL, the databases in it, and what was measured already."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg2
from psycopg2 import sql

from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, Database
from autoretrain.storage.migrate import migrate
from autoretrain_local.postgres import PostgresServer

Shared = TypeVar("Shared")

_SETTINGS = (
    "shared_buffers = '1GB'",
    "maintenance_work_mem = '512MB'",
    "max_wal_size = '8GB'",
    "autovacuum_naptime = '1s'",  # a minute otherwise, which nobody waits for here
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything: rows, strategies, rounds."""

    strategies: int = 10_000
    trades: int = 10_000_000
    sampled: int = 100
    per_event: int = 200
    load_rows: int = 100_000
    large_load_rows: int = 1_000_000
    retrain_rows: tuple[int, int, int] = (1_000, 10_000, 100_000)
    drained: int = 200
    scripts: int = 20
    predictions: int = 50_000
    starts: int = 9
    sent: int = 10_000
    requests: int = 1_600
    ticked: tuple[int, int, int] = (100, 1_000, 10_000)
    rounds: int = 7


FULL = Sizes()
SMOKE = Sizes(
    strategies=60,
    trades=6_000,
    sampled=5,
    per_event=20,
    load_rows=2_000,
    large_load_rows=4_000,
    retrain_rows=(300, 400, 500),
    drained=3,
    scripts=1,
    predictions=500,
    starts=1,
    sent=50,
    requests=64,
    ticked=(10, 20, 40),
    rounds=1,
)


@dataclass
class Scene:
    """The place where everything is measured; ended by `close`."""

    sizes: Sizes
    data: Path
    plain_path: Path
    learning: Path
    _undo: ExitStack = field(default_factory=ExitStack)
    _shared: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], Shared]) -> Shared:
        """What `make` made the first time: several rows may come of one measurement."""
        if name not in self._shared:
            self._shared[name] = make()
        made: Shared = self._shared[name]
        return made

    def say(self, line: str) -> None:
        print(f"    {line}", flush=True)

    @property
    def postgres(self) -> PostgresServer:
        return self.once("postgres", self._start_postgres)

    def _start_postgres(self) -> PostgresServer:
        folder = self.data / "postgres"
        with PostgresServer(folder, durable=False) as server:
            execute(server.url(), *(f"ALTER SYSTEM SET {setting}" for setting in _SETTINGS))
        return self._undo.enter_context(PostgresServer(folder, durable=False))

    def database(self, name: str, fill: Callable[[str], None]) -> str:
        """The URL of a migrated database that `fill` has filled, once."""

        def make() -> str:
            began = time.perf_counter()
            with closing(_superuser(self.postgres.url())) as opened, opened.cursor() as cursor:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            url = self.postgres.url(name)
            with closing(connect(url)) as opened:
                migrate(opened)
            fill(url)
            self.say(f"database {name}: {time.perf_counter() - began:.0f} s to fill")
            return url

        return self.once(f"database {name}", make)

    def entered(self, name: str, make: Callable[[], Any]) -> Any:
        """A context that is left when the scene is closed."""
        return self.once(name, lambda: self._undo.enter_context(make()))

    def opened(self, url: str, role: str = API) -> Database:
        """A connection of the product's own, to be closed by nobody but the scene."""
        database = Database(lambda: connect(url), role)
        self._undo.callback(database.close)
        return database

    def close(self) -> None:
        self._undo.close()


def _superuser(url: str) -> Any:
    opened = psycopg2.connect(url)
    opened.autocommit = True
    return opened


def execute(url: str, *statements: str, **values: Any) -> None:
    """Run the statements, each on its own: VACUUM takes no transaction."""
    with closing(_superuser(url)) as opened, opened.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values or None)


def ask(url: str, statement: str, **values: Any) -> list[Any]:
    """The rows that the statement gives."""
    with closing(_superuser(url)) as opened, opened.cursor() as cursor:
        cursor.execute(statement, values or None)
        found: list[Any] = cursor.fetchall()
        return found
