"""Opens connections, and puts the driver's word for a database that is not there into ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Any

import psycopg2
from psycopg2 import extras
from psycopg2.extensions import connection, parse_dsn

from autoretrain.errors import BadSetting, DatabaseRefuses, DatabaseUnavailable

_PORTS = re.compile(r"[0-9,]*")
_NEVER_AN_AT = ("host", "hostaddr", "port", "dbname", "sslmode")
_LOCAL_HOSTS = {"", "localhost", "127.0.0.1", "::1"}
# The driver gives no SQLSTATE for what happens before a login, so its text has to tell. A server or
# libpq that speaks another language than English (lc_messages) is taken for one that is away.
_REFUSALS = {
    re.compile(r"password authentication failed|no password supplied"): (
        "put the right user and password into its URL, with %40 for @ and %2F for /"
    ),
    re.compile(r'database ".*" does not exist'): "create it, or put the right name into its URL",
    re.compile(r'role ".*" (does not exist|is not permitted to log in)'): (
        "put a user that may log in into its URL"
    ),
    re.compile(r"no pg_hba\.conf entry"): "let this machine in, in its pg_hba.conf",
}
_PATIENCE: dict[str, Any] = {
    "application_name": "auto-retrain",
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def connect(url: str, ca: str | None = None) -> connection:
    """Open a connection, encrypted unless the database is on this machine; with a `ca` (PEM) only
    to the very server that it vouches for.

    Raises BadSetting for a URL that cannot be used, DatabaseRefuses where the database does not
    know the login, DatabaseUnavailable where nobody answers.
    """
    try:
        given = parse_dsn(url)
    except (psycopg2.ProgrammingError, UnicodeError):
        raise BadSetting(
            "the database URL cannot be read: it has the form"
            " postgresql://user:password@host:port/name"
        ) from None  # the driver's words repeat the URL
    _refuse_unescaped(given)
    if not _is_local(given):
        mode = given.setdefault("sslmode", "require")
        if mode in ("disable", "allow", "prefer"):
            raise BadSetting(f"the database URL asks for sslmode={mode}: use require")
    try:
        with _verified(ca) as proof:
            opened: connection = psycopg2.connect(**(_PATIENCE | given | proof))
    except psycopg2.OperationalError as exc:
        raise _refused(exc) or unavailable(exc) from exc
    extras.register_uuid(conn_or_curs=opened)  # type: ignore[no-untyped-call]
    return opened


def _refuse_unescaped(given: dict[str, str]) -> None:
    """A password with an @ or a / in it ends too early: the driver would take what follows for a
    host, a port or a name, and repeat it in its error."""
    cut = any("@" in given.get(name, "") for name in _NEVER_AN_AT)
    if cut or not _PORTS.fullmatch(given.get("port", "")):
        raise BadSetting(
            "the database URL ends its password too early, or lacks its host: in a password, write"
            " %40 for @ and %2F for /"
        )


@contextmanager
def _verified(ca: str | None) -> Iterator[dict[str, str]]:
    """What makes the driver check the server's certificate; it takes only a file, and reads it
    while it connects."""
    if ca is None:
        yield {}
        return
    with NamedTemporaryFile("w", suffix=".pem", encoding="utf-8") as file:
        file.write(ca)
        file.flush()
        yield {"sslmode": "verify-full", "sslrootcert": file.name}


def _is_local(given: dict[str, str]) -> bool:
    if "service" in given:
        return False
    hosts = [given.get("hostaddr", ""), given.get("host", "")]
    return all(host in _LOCAL_HOSTS or host.startswith("/") for host in hosts)


@contextmanager
def unavailable_translated() -> Iterator[None]:
    """The driver's word for a database that is not there in ours: its first line, no password."""
    try:
        yield
    except psycopg2.errors.ProgramLimitExceeded:
        raise  # the driver files it under the same class, and it is no outage
    except (
        psycopg2.OperationalError,
        psycopg2.InterfaceError,
        psycopg2.errors.ReadOnlySqlTransaction,
    ) as exc:
        raise unavailable(exc) from exc


def unavailable(exc: BaseException) -> DatabaseUnavailable:
    if isinstance(exc, psycopg2.errors.LockNotAvailable):
        return DatabaseUnavailable("the database is busy: a lock was not given in time; try again")
    if isinstance(exc, psycopg2.errors.QueryCanceled):
        return DatabaseUnavailable(
            "a statement took too long: `autoretrain migrate` says which index is missing"
        )
    return DatabaseUnavailable(
        f"the database does not let us in or does not answer ({first_line(exc)}):"
        " check its URL, and that it runs"
    )


def _refused(exc: psycopg2.OperationalError) -> DatabaseRefuses | None:
    """None where it is no refusal; a line each for all addresses of a host that were tried."""
    for line in str(exc).splitlines():
        for refusal, todo in _REFUSALS.items():
            if refusal.search(line):
                return DatabaseRefuses(f"the database does not let us in ({line.strip()}): {todo}")
    return None


def first_line(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or ["no reason given"])[0]
