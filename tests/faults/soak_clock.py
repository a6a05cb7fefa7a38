"""The database's own time, moved by a test: what the product calls now() is a function of ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg2.extensions import connection

# A schema that is searched before pg_catalog takes the name over; defaults and functions that have
# bound the original are bound anew.
_TAKE_OVER = """
CREATE SCHEMA moved;
GRANT USAGE ON SCHEMA moved TO PUBLIC;
CREATE FUNCTION moved.now() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('moved.now')::timestamptz $$;
CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('moved.now')::timestamptz $$;
ALTER TABLE autoretrain.training_runs ALTER queued_at SET DEFAULT moved.now();
ALTER TABLE autoretrain.outbox ALTER created_at SET DEFAULT moved.now(),
    ALTER next_attempt_at SET DEFAULT moved.now();
ALTER FUNCTION autoretrain.forget_old_decisions SET search_path = moved, pg_catalog;
"""
_FOLLOW = "SET search_path = moved, pg_catalog, public"


class MovedTime:
    """The same for all who look at it by one of the connections."""

    def __init__(self, connections: Sequence[connection], start: datetime) -> None:
        self._connections = connections
        self.now = start
        self._run(connections[0], _TAKE_OVER)
        for opened in connections:
            self._run(opened, _FOLLOW)
        self.pass_by(timedelta())

    def pass_by(self, passed: timedelta) -> None:
        self.now += passed
        for opened in self._connections:
            self._run(opened, "SELECT set_config('moved.now', %s, false)", self.now.isoformat())

    def until_the_next_hour(self) -> None:
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        self.pass_by(hour + timedelta(hours=1) - self.now)

    def _run(self, opened: connection, statement: str, *values: object) -> None:
        with opened, opened.cursor() as cursor:
            cursor.execute(statement, values or None)
