"""A connection that breaks where a test wants it to: before or after any statement or commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar, cast

import psycopg2
from psycopg2.extensions import connection

from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, Database

Result = TypeVar("Result")


class How(StrEnum):
    """What happens at the call: the process dies, its connection does, the database is gone until
    the operation is over, or the next commit is followed by somebody else's work."""

    KILLED = "killed"
    CUT = "cut"
    DOWN = "down"
    OVERTAKEN = "overtaken"


class Killed(BaseException):
    """The process has gone as by SIGKILL; no code of its own may notice."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Strikes at the `call`-th statement or commit of an operation, counted from 0; with `done`
    the call takes effect first, and only its answer is lost."""

    how: How
    call: int = 0
    done: bool = False
    meanwhile: str = ""


class Wire:
    """One real connection for many processes of which one works at a time.

    A process that dies leaves it rolled back, as the server does with a connection that is lost.
    `commits_each` is what a driver in autocommit mode would do.
    """

    def __init__(self, url: str) -> None:
        self.real = connect(url)
        self.commits_each = False
        self.struck = 0
        self._fault: Fault | None = None
        self._calls = 0
        self._meanwhile: Callable[[str], None] = lambda _: None

    def database(self, role: str = API, skew: timedelta = timedelta()) -> Database:
        """What one process holds; its own clock is off by `skew`."""
        return Database(lambda: cast("connection", _End(self, skew)), role)

    @contextmanager
    def breaking(self, fault: Fault | None, meanwhile: Callable[[str], None]) -> Iterator[None]:
        self._fault, self._calls, self._meanwhile = fault, 0, meanwhile
        try:
            yield
        finally:
            self._fault = None

    def pass_on(self, end: _End, work: Callable[[], Result], *, commit: bool = False) -> Result:
        """Do the call, unless it is the one to fail."""
        fault, number = self._fault, self._calls
        self._calls += 1
        if fault is None or number < fault.call:
            return work()
        if fault.how is How.OVERTAKEN:
            return self._overtake(fault, work) if commit else work()
        return self._strike(fault, end, work)

    def close(self) -> None:
        self.real.close()

    def _overtake(self, fault: Fault, work: Callable[[], Result]) -> Result:
        result = work()
        self._fault = None
        self.struck += 1
        self._meanwhile(fault.meanwhile)
        return result

    def _strike(self, fault: Fault, end: _End, work: Callable[[], Result]) -> Result:
        if fault.done:
            work()
        self.real.rollback()
        end.closed = 1
        if fault.how is not How.DOWN:
            self._fault = None
        self.struck += 1
        if fault.how is How.KILLED:
            raise Killed
        raise psycopg2.OperationalError("server closed the connection unexpectedly")


class _End:
    """A process's end of the wire, as much of a connection as `Database` asks for."""

    def __init__(self, wire: Wire, skew: timedelta) -> None:
        self.closed = 0
        self.autocommit = False
        self._wire = wire
        self._skew = skew

    def cursor(self, **options: Any) -> _Cursor:
        return _Cursor(self, self._wire.real.cursor(**options))

    def execute(self, cursor: Any, query: Any, values: dict[str, Any]) -> None:
        # Every statement could use the clock of whoever sends it. None of the product's does.
        given = values | {"client_now": datetime.now(UTC) + self._skew}

        def work() -> None:
            cursor.execute(query, given)
            if self.autocommit or self._wire.commits_each:
                self._wire.real.commit()

        self._wire.pass_on(self, work)

    def commit(self) -> None:
        self._wire.pass_on(self, self._wire.real.commit, commit=True)

    def rollback(self) -> None:
        if not self.closed:
            self._wire.real.rollback()

    def close(self) -> None:
        self.rollback()
        self.closed = 1


class _Cursor:
    def __init__(self, end: _End, real: Any) -> None:
        self._end = end
        self._real = real

    def __enter__(self) -> _Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def execute(self, query: Any, values: dict[str, Any]) -> None:
        self._end.execute(self._real, query, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
