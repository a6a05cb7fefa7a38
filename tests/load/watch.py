"""Looks at every process of the stack and at the database's connections, again and again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from statistics import mean
from threading import Event, Thread

import psutil
import psycopg2

MB = 2**20
STACK, TRAINER, POSTGRES, AWS = "stack", "trainer", "postgres", "AWS stand-in"
_KINDS = {"autoretrain_trainer": TRAINER, "autoretrain_local.aws_process": AWS}
_AT_ONCE = """
SELECT (
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    ) AS connections,
    count(*) AS busy
FROM autoretrain.training_runs WHERE status IN ('starting', 'running')
"""
_LIFE_SECONDS = 16.0


@dataclass
class Watch:
    """Private megabytes of each process by kind and id, so often; the most connections at once,
    and the most runs that had a trainer."""

    every_seconds: float
    memory: dict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    connections: int = 0
    busy: int = 0

    def growth_mb(self, kind: str) -> float:
        """The most that a process of this kind has grown by, from the second quarter of its life,
        when it has loaded what it needs, to the last; of those that have lived for a while."""
        enough = _LIFE_SECONDS / self.every_seconds
        return max((_growth(seen) for seen in self._of(kind) if len(seen) >= enough), default=0.0)

    def peak_mb(self, kind: str) -> float:
        return max((max(seen) for seen in self._of(kind)), default=0.0)

    def _of(self, kind: str) -> list[list[float]]:
        return [seen for (of, _), seen in self.memory.items() if of == kind]

    def look(self, family: psutil.Process) -> None:
        found = [(STACK, family)]
        for process in family.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                found.append((_kind(process), process))
        for kind, process in found:
            with suppress(psutil.NoSuchProcess):
                told = process.memory_info()
                private = told.rss - getattr(told, "shared", 0)
                self.memory[kind, process.pid].append(private / MB)


def _kind(process: psutil.Process) -> str:
    words = process.cmdline()
    if "postgres" in process.name():
        return POSTGRES
    return next((kind for word, kind in _KINDS.items() if word in words), "other")


def _growth(seen: list[float]) -> float:
    quarter = len(seen) // 4
    return mean(seen[-quarter:]) - mean(seen[quarter : 2 * quarter])


@contextmanager
def watching(url: str, every_seconds: float) -> Iterator[Watch]:
    watch, done = Watch(every_seconds), Event()
    family = psutil.Process()

    def look_on() -> None:
        with closing(psycopg2.connect(url)) as opened, opened.cursor() as cursor:
            opened.autocommit = True
            while not done.wait(every_seconds):
                cursor.execute(_AT_ONCE)
                connections, busy = cursor.fetchone() or (0, 0)
                watch.connections = max(watch.connections, connections)
                watch.busy = max(watch.busy, busy)
                watch.look(family)

    thread = Thread(target=look_on, name="watch")
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()
