"""The database's time: the only one that all functions and trainers agree on."""

from __future__ import annotations

from datetime import datetime

from autoretrain.errors import InternalError
from autoretrain.storage.database import Database


class DatabaseClock:
    """See `ports.Clock`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> datetime:
        row = self._database.transaction(lambda tx: tx.one("database_time"))
        if row is None:
            raise InternalError("the database did not tell the time")
        now: datetime = row.now
        return now
