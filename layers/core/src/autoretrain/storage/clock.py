"""The database's time: the only one that all functions and trainers agree on."""

from __future__ import annotations

from datetime import datetime

from autoretrain.storage.database import Database


class DatabaseClock:
    """See `ports.Clock`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> datetime:
        (row,) = self._database.read("database_time")
        now: datetime = row.now
        return now
