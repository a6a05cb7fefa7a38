"""The server at the other end: how it is reached, what it is, and whether its clock goes right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from psycopg2.extensions import connection

from autoretrain_local.doctor.findings import Finding, bad, good
from autoretrain_local.doctor.trial import trial

OLDEST_MAJOR = 15
MOST_SKEW = timedelta(seconds=5)


def look_at_server(opened: connection) -> Iterator[Finding]:
    info = opened.info
    yield good("connection", f"database {info.dbname} as {info.user}")
    protocol = info.ssl_attribute("protocol") if info.ssl_in_use else None
    yield encryption(protocol, opened.get_dsn_parameters().get("sslmode", ""))
    yield version(opened.server_version)


def look_at_clock(opened: connection) -> Iterator[Finding]:
    with trial(opened) as cursor:
        before = datetime.now(UTC)
        cursor.execute("SELECT clock_timestamp()")
        (told,) = cursor.fetchone()
        yield clock(before, told, datetime.now(UTC))


def encryption(protocol: str | None, sslmode: str) -> Finding:
    """Unencrypted is only what stays on this machine: whoever connects sees to that."""
    if protocol is None:
        return good("encryption", "none: the database is on this machine")
    if sslmode.startswith("verify-"):
        return good("encryption", f"{protocol}, the server's certificate was checked")
    return good(
        "encryption",
        f"{protocol}, the server's certificate was not checked",
        "give its authority's certificate as DatabaseCa, or as `ca` in the secret",
    )


def version(number: int) -> Finding:
    """`number` as PostgreSQL numbers itself: 150004 is 15.4."""
    major, told = number // 10_000, f"PostgreSQL {number // 10_000}.{number % 10_000}"
    if major < OLDEST_MAJOR:
        return bad("version", told, f"upgrade it to PostgreSQL {OLDEST_MAJOR} or newer")
    return good("version", told)


def clock(before: datetime, told: datetime, after: datetime) -> Finding:
    """What the database told, between two looks at this machine's clock."""
    skew = max(before - told, told - after, timedelta(0))
    seconds = f"{skew.total_seconds():.1f} s apart"
    if skew > MOST_SKEW:
        return bad(
            "clock",
            f"this machine's clock and the database's are {seconds}",
            "set them by NTP: times that a bot writes are compared with the database's",
        )
    return good("clock", f"this machine's and the database's are {seconds}")
