"""What the database can say of the system's health."""

from __future__ import annotations

from autoretrain.storage.database import Database
from autoretrain.storage.migrate import migrations


class VitalBooks:
    """See `ports.Vitals`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ailments(self) -> list[str]:
        row = self._database.transaction(lambda tx: tx.one("health"))
        applied = set(row.migrations or []) if row else set()
        missing = {name for name, _ in migrations()} - applied
        stopped = bool(row and row.launches_stopped)
        return ["contract"] * bool(missing) + ["launches_stopped"] * stopped
