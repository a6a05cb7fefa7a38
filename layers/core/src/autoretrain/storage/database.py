"""One connection, one role, short transactions; the only place that sees the driver's errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

import psycopg2
from psycopg2 import errorcodes, extras, sql
from psycopg2.extensions import connection

from autoretrain.errors import ContractError, DatabaseUnavailable, InternalError
from autoretrain.storage.connection import unavailable, unavailable_translated
from autoretrain.storage.named import statement

Result = TypeVar("Result")

API, TRAINER, READER = "autoretrain_api", "autoretrain_trainer", "autoretrain_reader"
IDLE_SECONDS_TRUSTED = 30.0
TRIES = 3
_GIVING_WAY_SECONDS = 0.05
"""Whoever was thrown out of a deadlock, and comes back at once, may meet the other in the same one
again: the lock that it has just given up has to be taken first."""
_SNAPSHOT = sql.SQL("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; ")
_RETRIED = frozenset(
    {
        errorcodes.DEADLOCK_DETECTED,
        errorcodes.SERIALIZATION_FAILURE,
        errorcodes.LOCK_NOT_AVAILABLE,
    }
)
# Local to each transaction, because a pooler shares its sessions. Nobody waits for ever for a lock
# that a frozen function has taken with it.
_LIMITS = (
    "SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {};"
    " SET LOCAL idle_in_transaction_session_timeout = '60s'; "
)


class Limits(NamedTuple):
    """How long a transaction waits for a lock, and for one statement, and what it tries again."""

    lock_seconds: int = 10
    statement_seconds: int = 20
    retried: frozenset[str] = _RETRIED

    def opening(self) -> sql.Composed:
        return sql.SQL(_LIMITS).format(
            sql.Literal(f"{self.lock_seconds}s"), sql.Literal(f"{self.statement_seconds}s")
        )


PATIENT = Limits()
SOMEBODY_WAITS = Limits(3, 8, _RETRIED - {errorcodes.LOCK_NOT_AVAILABLE})
"""For whoever asks over HTTP: the answer has to come before their function's time is over."""
_LONG = Limits(statement_seconds=600)


class Transaction:
    """An open transaction: runs named statements as the stack's role."""

    def __init__(self, opened: connection, opening: sql.Composable) -> None:
        self._connection = opened
        self._opening: sql.Composable | None = opening

    def run(self, name: str, **values: Any) -> int:
        """Run the statement; returns the number of rows it touched."""
        with self._execute(name, values) as cursor:
            return int(cursor.rowcount)

    def one(self, name: str, **values: Any) -> Any | None:
        """The only row, None where there is none."""
        with self._execute(name, values) as cursor:
            return cursor.fetchone()

    def all(self, name: str, **values: Any) -> list[Any]:
        with self._execute(name, values) as cursor:
            return list(cursor.fetchall())

    def copy(self, name: str, columns: sql.Composable, values: dict[str, Any], sink: Any) -> None:
        """Stream columns of the named statement's rows to the sink as binary COPY."""
        if self._opening is not None:
            raise InternalError("a COPY cannot open a transaction: read its names first")
        with self._connection.cursor() as cursor:
            # COPY takes no parameters: the driver writes them into the inner statement.
            rows = sql.SQL(cursor.mogrify(statement(name), values).decode())
            query = sql.SQL("COPY (SELECT {} FROM ({}) trades) TO STDOUT (FORMAT binary)")
            cursor.copy_expert(query.format(columns, rows), sink, 1 << 16)

    @contextmanager
    def _execute(self, name: str, values: dict[str, Any]) -> Iterator[Any]:
        query: sql.Composable = sql.SQL(statement(name))
        if self._opening is not None:
            # The role rides in front of the first statement: no round trip of its own.
            query, self._opening = self._opening + query, None
        with self._connection.cursor(cursor_factory=extras.NamedTupleCursor) as cursor:
            cursor.execute(query, values)  # type: ignore[no-untyped-call]
            yield cursor


class _Open(NamedTuple):
    connection: connection
    used_at: float


class Database:
    """Transactions on one lazily opened connection that survives a frozen sandbox."""

    def __init__(
        self, connect_: Callable[[], connection], role: str, limits: Limits = PATIENT
    ) -> None:
        self._connect = connect_
        self._role = sql.SQL("SET LOCAL ROLE {}; ").format(sql.Identifier(role))
        self._opening = limits.opening() + self._role
        self._retried = limits.retried
        self._open: _Open | None = None

    def transaction(self, work: Callable[[Transaction], Result]) -> Result:
        """Commit what `work` does, again from the start after a deadlock or a dead connection.

        Raises DatabaseUnavailable, ContractError where the schema is missing, and what `work`
        raises, rolled back.
        """
        return self._patiently(work)

    def read(self, name: str, **values: Any) -> list[Any]:
        """The rows of a statement that only reads, in a single round trip: what is sent together
        is a transaction without BEGIN and COMMIT. Raises as `transaction` does.
        """
        return self._patiently(lambda tx: tx.all(name, **values), autocommit=True)

    def once(self, name: str, **values: Any) -> None:
        """Run a statement that is all of its transaction, in a single round trip too. It must be
        one that may run twice: where the connection is lost, nobody knows whether it has. Raises
        as `transaction` does.
        """
        self._patiently(lambda tx: tx.run(name, **values), autocommit=True)

    def _patiently(
        self, work: Callable[[Transaction], Result], *, autocommit: bool = False
    ) -> Result:
        for _ in range(TRIES):
            try:
                return self._once(work, autocommit)
            except _Again as exc:
                cause = exc.cause
                if cause.pgcode in self._retried:
                    time.sleep(_GIVING_WAY_SECONDS)
        raise unavailable(cause) from cause

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """A read-only transaction in which every statement sees the same rows."""
        opened = self._checkout()
        try:
            with _translated():
                yield Transaction(opened, _SNAPSHOT + _LONG.opening() + self._role)
        finally:
            self._rollback(opened)

    def close(self) -> None:
        if self._open is not None:
            self._open.connection.close()
            self._open = None

    def _once(self, work: Callable[[Transaction], Result], autocommit: bool) -> Result:
        opened = self._checkout(autocommit)
        try:
            with _translated():
                result = work(Transaction(opened, self._opening))
        except DatabaseUnavailable as exc:
            cause = exc.__cause__
            self._rollback(opened)
            # Nothing was committed, so the work may start again.
            if isinstance(cause, psycopg2.Error) and (
                opened.closed or cause.pgcode in self._retried
            ):
                raise _Again(cause) from cause
            # Whatever ails this connection, such as a server that has become read-only: the next
            # transaction gets another.
            self.close()
            raise
        except BaseException:
            self._rollback(opened)
            raise
        self._commit(opened)
        return result

    def _checkout(self, autocommit: bool = False) -> connection:
        if self._open is not None and self._is_dead(self._open):
            self.close()
        if self._open is None:
            self._open = _Open(self._connect(), time.monotonic())
        self._open.connection.autocommit = autocommit
        return self._open.connection

    def _is_dead(self, opened: _Open) -> bool:
        """A connection that rested may be gone without anybody having noticed: ask."""
        if opened.connection.closed:
            return True
        if time.monotonic() - opened.used_at < IDLE_SECONDS_TRUSTED:
            return False
        try:
            with opened.connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            opened.connection.rollback()
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            return True
        return False

    def _commit(self, opened: connection) -> None:
        try:
            opened.commit()
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as exc:
            raise DatabaseUnavailable(
                "the connection was lost during COMMIT: what was written is unknown, look again"
            ) from exc
        self._open = _Open(opened, time.monotonic())

    def _rollback(self, opened: connection) -> None:
        # A connection that cannot roll back is closed, and the next checkout opens another.
        with suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
            opened.rollback()


class _Again(Exception):
    """The transaction did nothing and may be run again."""

    def __init__(self, cause: psycopg2.Error) -> None:
        super().__init__(str(cause))
        self.cause = cause


@contextmanager
def _translated() -> Iterator[None]:
    try:
        with unavailable_translated():
            yield
    except (
        psycopg2.errors.UndefinedTable,
        psycopg2.errors.InvalidSchemaName,
        psycopg2.errors.UndefinedObject,
        psycopg2.errors.InvalidParameterValue,  # SET ROLE where the role does not exist
        psycopg2.errors.InsufficientPrivilege,
    ) as exc:
        raise ContractError("the database is not ready: run `autoretrain migrate`") from exc
