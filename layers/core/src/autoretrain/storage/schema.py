"""The schema as a deployment sees it: brought up to date, or only looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from psycopg2.extensions import connection

from autoretrain.storage.database import API, Database
from autoretrain.storage.migrate import migrate, migrations

NUMBER_LENGTH = 4


class DatabaseSchema:
    """See `services.deploy.Schema`. The login that `open_` opens with is the one that migrates."""

    def __init__(self, open_: Callable[[], connection]) -> None:
        self._open = open_

    @property
    def version(self) -> str:
        newest, _ = migrations()[-1]
        return newest[:NUMBER_LENGTH]

    def migrate(self) -> Sequence[str]:
        with closing(self._open()) as opened:
            return migrate(opened).warnings

    def missing(self) -> Sequence[str]:
        """Asked in the role that the functions take: that they may take it is checked as well."""
        database = Database(self._open, API)
        try:
            row = database.transaction(lambda tx: tx.one("health"))
        finally:
            database.close()
        applied = set(row.migrations or []) if row else set()
        return [name for name, _ in migrations() if name not in applied]
