"""The order in which things are looked at: what comes later makes no sense before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection

from autoretrain.errors import BadSetting, DatabaseRefuses, DatabaseUnavailable
from autoretrain.storage.connection import connect, first_line
from autoretrain_local.doctor.address import look_at_address
from autoretrain_local.doctor.findings import Finding, State, bad, unknown
from autoretrain_local.doctor.roles import look_at_roles, look_at_strangers
from autoretrain_local.doctor.schema import look_at_indexes, look_at_migrations, look_at_tables
from autoretrain_local.doctor.server import look_at_clock, look_at_server
from autoretrain_local.doctor.trades import look_at_trades

Look = Callable[[connection], Iterator[Finding]]

AT_ANY_DATABASE: dict[str, Look] = {
    "connection": look_at_server,
    "clock": look_at_clock,
    "tables": look_at_tables,
    "strangers": look_at_strangers,
    "migrations": look_at_migrations,
}
AT_A_MIGRATED_ONE: dict[str, Look] = {
    "indexes": look_at_indexes,
    "roles": look_at_roles,
    "trades": look_at_trades,
}


def examine(url: str, ca: str | None = None) -> Iterator[Finding]:
    """Every finding about the database at `url`, as soon as it is there."""
    yield from look_at_address(url)
    try:
        opened = connect(url, ca)
    except (BadSetting, DatabaseRefuses) as exc:
        yield bad("connection", "the address cannot be used", str(exc))
        return
    except DatabaseUnavailable as exc:
        yield unknown("connection", "nothing else could be looked at", str(exc))
        return
    with closing(opened):
        yield from _examine(opened)


def _examine(opened: connection) -> Iterator[Finding]:
    ready = True
    for check, look in AT_ANY_DATABASE.items():
        for finding in _looked(opened, check, look):
            ready = ready and (finding.check != "migrations" or finding.state is State.GOOD)
            yield finding
    if ready:
        for check, look in AT_A_MIGRATED_ONE.items():
            yield from _looked(opened, check, look)


def _looked(opened: connection, check: str, look: Look) -> Iterator[Finding]:
    try:
        yield from look(opened)
    except psycopg2.Error as exc:
        yield unknown(
            check,
            f"could not be looked at: {first_line(exc)}",
            "mend what is wrong above, then look again",
        )
