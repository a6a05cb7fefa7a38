"""What the database's address says: a pooler, and whether it goes with it. Nothing is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg2
from psycopg2.extensions import parse_dsn

from autoretrain_local.doctor.findings import Finding, bad, good

SUPABASE_POOLER, SUPABASE = ".pooler.supabase.com", ".supabase.co"
TRANSACTION_POOLER_PORT, SESSION_POOLER_PORT = "6543", "5432"
POOLER_PORTS = {TRANSACTION_POOLER_PORT, "6432"}  # Supabase's, and PgBouncer's own


def look_at_address(url: str) -> Iterator[Finding]:
    """Nothing for an address that cannot be read: whoever connects says why."""
    try:
        given = parse_dsn(url)
    except (psycopg2.ProgrammingError, UnicodeError):
        return
    yield _pooler(given)
    if "options" in given and _is_pooled(given):
        yield bad(
            "address",
            "it has options=, which a transaction pooler drops or refuses",
            "remove it; what a session needs is set with ALTER ROLE … SET",
        )
    if given.get("host", "").endswith(SUPABASE_POOLER) and "." not in given.get("user", ""):
        yield bad(
            "address",
            f"the pooler knows no login {given.get('user', '')!r}",
            "the login is postgres.PROJECT: copy the address from the dashboard's Connect",
        )


def _is_pooled(given: Mapping[str, str]) -> bool:
    return given.get("host", "").endswith(SUPABASE_POOLER) or given.get("port") in POOLER_PORTS


def _pooler(given: Mapping[str, str]) -> Finding:
    host, port = given.get("host", ""), given.get("port", SESSION_POOLER_PORT)
    where = f"{host or 'this machine'}, port {port}"
    if host.endswith(SUPABASE_POOLER) and port == SESSION_POOLER_PORT:
        return good(
            "address",
            f"session pooler ({where})",
            f"take port {TRANSACTION_POOLER_PORT}, the transaction pooler: here every connection"
            " holds a place, and they are few",
        )
    if _is_pooled(given):
        return good("address", f"transaction pooler ({where})")
    if host.startswith("db.") and host.endswith(SUPABASE):
        return good(
            "address",
            f"direct connection ({where})",
            "it is IPv6 only, unless you have bought the add-on: for AWS take the transaction"
            f" pooler, port {TRANSACTION_POOLER_PORT}",
        )
    return good("address", f"direct connection ({where})")
