"""What people see: lists are paged, sorted and searched in SQL, and hold what is the caller's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from autoretrain.domain.performance import Week
from autoretrain.errors import Invalid, Unknown
from autoretrain.storage.database import Database, Transaction
from autoretrain.storage.locking import enrolled_strategy, own_strategy

_NUMBER = re.compile(r"[0-9]{1,9}")
_VERSION = re.compile(r"[!-~]{1,100}")


class Page(NamedTuple):
    """Some of a list; `next` asks for those below it."""

    items: Sequence[Any]
    next: str | None


class Reading:
    """Rows are the answers: their fields have the names that the API documents.

    Every method raises Unknown for what is not the caller's, Invalid for a forged cursor.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def strategies(
        self, user_id: UUID, search: str, sort: str, limit: int, cursor: str | None
    ) -> Page:
        """`sort` is name or trained_at, with a minus in front for the other way round."""
        offset = int(_checked(cursor, _NUMBER) or 0)
        asked = {"user_id": user_id, "search": search, "sort": sort, "offset": offset}
        rows = self._database.transaction(
            lambda tx: tx.all("strategies_page", limit=limit + 1, **asked)
        )
        return _page(rows, limit, str(offset + limit))

    def strategy(self, user_id: UUID, strategy_id: UUID) -> Any:
        asked = {"user_id": user_id, "strategy_id": strategy_id}
        for known in self._database.read("strategy", **asked):
            return known

        def work(tx: Transaction) -> Any:
            enrolled_strategy(tx, **asked)
            return tx.one("strategy", **asked)

        return self._found(work, "strategy")

    def models(self, user_id: UUID, strategy_id: UUID, limit: int, cursor: str | None) -> Page:
        rows = self._list("models_page", user_id, strategy_id, limit, _checked(cursor, _VERSION))
        return _page(rows, limit, str(rows[limit - 1].version) if len(rows) > limit else None)

    def model(self, user_id: UUID, strategy_id: UUID, version: str) -> Any:
        def work(tx: Transaction) -> Any:
            own_strategy(tx, user_id, strategy_id)
            return tx.one("model_report", strategy_id=strategy_id, version=version)

        return self._found(work, "version")

    def active_model(self, user_id: UUID, strategy_id: UUID) -> Any:
        names = {"user_id": user_id, "strategy_id": strategy_id}
        return self._found(lambda tx: tx.one("active_model", **names), "strategy")

    def decisions(self, user_id: UUID, strategy_id: UUID, limit: int, cursor: str | None) -> Page:
        return self._history("decisions_page", user_id, strategy_id, limit, cursor)

    def activations(self, user_id: UUID, strategy_id: UUID, limit: int, cursor: str | None) -> Page:
        return self._history("activations_page", user_id, strategy_id, limit, cursor)

    def runs(self, user_id: UUID, strategy_id: UUID, limit: int, cursor: str | None) -> Page:
        rows = self._list("runs_page", user_id, strategy_id, limit, _uuid(cursor))
        return _page(rows, limit, str(rows[limit - 1].id) if len(rows) > limit else None)

    def run(self, user_id: UUID, run_id: UUID) -> Any:
        return self._found(lambda tx: tx.one("own_run", run_id=run_id, user_id=user_id), "run")

    def retrain_model(self, user_id: UUID, run_id: UUID) -> Any | None:
        """What the run came to, None where it came to no model."""
        return self._database.transaction(
            lambda tx: tx.one("model_of_run", run_id=run_id, user_id=user_id)
        )

    def performance(self, user_id: UUID, strategy_id: UUID, weeks: int) -> list[Week]:
        def work(tx: Transaction) -> list[Any]:
            own_strategy(tx, user_id, strategy_id)
            return tx.all("weekly_performance", strategy_id=strategy_id, weeks=weeks)

        return [Week(*row) for row in self._database.transaction(work)]

    def _history(
        self, statement: str, user_id: UUID, strategy_id: UUID, limit: int, cursor: str | None
    ) -> Page:
        """A list whose rows are numbered in the order of their making."""
        below = _checked(cursor, _NUMBER)
        rows = self._list(statement, user_id, strategy_id, limit, below and int(below))
        return _page(rows, limit, str(rows[limit - 1].id) if len(rows) > limit else None)

    def _list(
        self, statement: str, user_id: UUID, strategy_id: UUID, limit: int, cursor: Any
    ) -> list[Any]:
        """One row more than the page holds tells whether there is another page."""

        def work(tx: Transaction) -> list[Any]:
            own_strategy(tx, user_id, strategy_id)
            return tx.all(statement, strategy_id=strategy_id, limit=limit + 1, cursor=cursor)

        return self._database.transaction(work)

    def _found(self, work: Any, kind: str) -> Any:
        row = self._database.transaction(work)
        if row is None:
            raise Unknown(kind)
        return row


def _page(rows: Sequence[Any], limit: int, following: str | None) -> Page:
    return Page(rows[:limit], following if len(rows) > limit else None)


def _checked(cursor: str | None, form: re.Pattern[str]) -> str | None:
    if cursor is not None and form.fullmatch(cursor) is None:
        raise _forged()
    return cursor


def _uuid(cursor: str | None) -> UUID | None:
    try:
        return None if cursor is None else UUID(cursor)
    except ValueError as exc:
        raise _forged() from exc


def _forged() -> Invalid:
    return Invalid("cursor: must be the `next` of the page before")
