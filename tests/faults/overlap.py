"""Two transactions that overlap for certain: one stands before its commit until the other waits
for it, or has ended."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any, cast

import psycopg2
from psycopg2.extensions import connection

from autoretrain.storage.connection import connect

Connect = Callable[[], connection]
Work = Callable[[Connect], Any]
PATIENCE_SECONDS = 20.0
_WAITS = """
SELECT EXISTS (SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock')
"""


def overlapping(url: str, first: Work, second: Work) -> tuple[Any, Any]:
    """What each returned, or the exception that it raised. `second` begins once `first` is about
    to commit; `first` commits once `second` can get no further."""
    at_commit, go_on = Event(), Event()
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(first, lambda: cast("connection", _Held(url, at_commit, go_on)))
        one.add_done_callback(lambda _: at_commit.set())
        at_commit.wait(PATIENCE_SECONDS)
        two = threads.submit(second, lambda: connect(url))
        _until_it_waits_or_ends(url, two)
        go_on.set()
    return one.exception() or one.result(), two.exception() or two.result()


def _until_it_waits_or_ends(url: str, other: Future[Any]) -> None:
    """It ends at the latest when the database gives its lock up."""
    watching = psycopg2.connect(url)
    watching.autocommit = True
    with watching.cursor() as cursor:
        while not other.done():
            cursor.execute(_WAITS)
            if cursor.fetchone() == (True,):
                break
    watching.close()


class _Held:
    def __init__(self, url: str, at_commit: Event, go_on: Event) -> None:
        self._real = connect(url)
        self._at_commit = at_commit
        self._go_on = go_on

    def commit(self) -> None:
        self._at_commit.set()
        self._go_on.wait(PATIENCE_SECONDS)
        self._real.commit()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
