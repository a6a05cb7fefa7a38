"""The outbox: notifications, written in the transactions they tell of, on their way out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from autoretrain.domain.notifications import Notification
from autoretrain.storage.database import Database, Transaction


class OutboxBooks:
    """See `ports.Outbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, count: int) -> list[Notification]:
        rows = self._database.transaction(lambda tx: tx.all("claim_notifications", count=count))
        return [_notification(row) for row in rows]

    def note_told(self, channel: str, ids: Collection[int], channels: Collection[str]) -> None:
        def work(tx: Transaction) -> None:
            tx.run("note_told", channel=channel, ids=list(ids), channels=list(channels))

        self._database.transaction(work)

    def forget_old(self) -> None:
        self._database.transaction(lambda tx: tx.run("forget_old_notifications"))


def _notification(row: Any) -> Notification:
    return Notification(
        id=row.id,
        event_id=row.event_id,
        topic=row.topic,
        strategy_id=row.strategy_id,
        strategy=row.strategy,
        payload=row.payload,
        at=row.at,
        told=frozenset(row.told),
    )
