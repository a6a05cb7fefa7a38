"""Owns the transactions of a look: each is taken back, whatever it did, and none waits for long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection

from autoretrain.storage.database import Limits, Transaction

LIMITS = Limits(lock_seconds=2, statement_seconds=5)


@contextmanager
def trial(opened: connection, role: str | None = None) -> Iterator[Any]:
    """A cursor whose work, done as `role`, is taken back. Raises the driver's errors."""
    try:
        with opened.cursor() as cursor:
            cursor.execute(_opening(role))
            yield cursor
    finally:
        if not opened.closed:
            opened.rollback()


@contextmanager
def trial_of_ours(opened: connection, role: str) -> Iterator[Transaction]:
    """The same for the product's own statements."""
    try:
        yield Transaction(opened, _opening(role))
    finally:
        if not opened.closed:
            opened.rollback()


def _opening(role: str | None) -> sql.Composed:
    taken = sql.SQL("SET LOCAL ROLE {}; ").format(sql.Identifier(role)) if role else sql.SQL("")
    return LIMITS.opening() + taken
