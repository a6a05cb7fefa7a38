"""The schema: our migrations, the user's tables or views, and the indexes that the check needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from psycopg2.extensions import connection

from autoretrain.storage.adopt import faults, missing_index
from autoretrain.storage.contract import RELATIONS, TRADES, Relation
from autoretrain.storage.migrate import migrations
from autoretrain_local.doctor.findings import Finding, bad, good
from autoretrain_local.doctor.trial import trial

MIGRATE = "run `autoretrain migrate`"
NOBODY = UUID(int=0)
LARGE_ROWS = 10_000
"""Below that, reading a whole table is what PostgreSQL does anyway."""


def look_at_migrations(opened: connection) -> Iterator[Finding]:
    with trial(opened) as cursor:
        cursor.execute("SELECT to_regclass('autoretrain.schema_migrations') IS NOT NULL")
        if not cursor.fetchone()[0]:
            yield bad("migrations", "none was applied: this database is not prepared", MIGRATE)
            return
        cursor.execute("SELECT name, sha256 FROM autoretrain.schema_migrations")
        yield applied(dict(cursor.fetchall()))


def applied(known: Mapping[str, str]) -> Finding:
    """`known` maps applied names to the sha256 of what was applied."""
    ours = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in migrations()}
    if missing := sorted(ours.keys() - known.keys()):
        return bad("migrations", f"not applied: {', '.join(missing)}", MIGRATE)
    if newer := sorted(known.keys() - ours.keys()):
        return bad(
            "migrations",
            f"the database is newer than this command: {', '.join(newer)}",
            "install the version of auto-retrain that is deployed",
        )
    if changed := sorted(name for name in ours if known[name] != ours[name]):
        return bad(
            "migrations",
            f"applied with another content: {', '.join(changed)}",
            "restore the files, and put the change into a migration of its own",
        )
    return good("migrations", f"all {len(ours)} applied, the newest {max(ours)}")


def look_at_tables(opened: connection) -> Iterator[Finding]:
    with trial(opened) as cursor:
        for relation in RELATIONS:
            yield from _table(cursor, relation)


def _table(cursor: Any, relation: Relation) -> Iterator[Finding]:
    name = f"public.{relation.name}"
    cursor.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", (name,))
    found = cursor.fetchone()
    if found is None:
        yield bad("tables", f"{name} does not exist", f"{MIGRATE}: it makes the table")
        return
    wrong = list(faults(cursor, relation))
    for fault in wrong:
        yield bad("tables", fault, f"then {MIGRATE}")
    if not wrong:
        kind = "view" if found[0] == "v" else "table"
        yield good("tables", f"{kind} {name} has what it needs")


def look_at_indexes(opened: connection) -> Iterator[Finding]:
    with trial(opened) as cursor:
        create = missing_index(cursor, TRADES)
        if create is not None:
            yield bad("indexes", "public.trades has none for the hourly check", create)
            return
        read_whole = sorted(_large_tables_read_whole(cursor))
    for table, rows in read_whole:
        yield bad(
            "indexes",
            f"the hourly check reads all of {table}, about {rows:,} rows",
            f"index it by the columns that strategy_id and decided_at of public.trades come from:"
            f" CREATE INDEX ON {table} (…, …); where strategy_id comes from another table, give"
            " this one a strategy_id of its own",
        )
    if not read_whole:
        yield good("indexes", "the hourly check reads only the trades that it needs")


def _large_tables_read_whole(cursor: Any) -> Iterator[tuple[str, int]]:
    """What PostgreSQL would do for the newest trades of a strategy."""
    cursor.execute("SELECT id FROM autoretrain.strategies LIMIT 1")
    strategy = cursor.fetchone()
    cursor.execute(
        "EXPLAIN (FORMAT JSON) SELECT decided_at FROM autoretrain.trades WHERE strategy_id = %s"
        " AND closed_at IS NOT NULL ORDER BY decided_at DESC LIMIT 100",
        (strategy[0] if strategy else NOBODY,),
    )
    plan = cursor.fetchone()[0][0]["Plan"]
    tables = {node["Relation Name"] for node in _nodes(plan) if node["Node Type"] == "Seq Scan"}
    cursor.execute(
        "SELECT oid::regclass::text, max(reltuples)::bigint FROM pg_class"
        " WHERE relname = ANY(%s) AND reltuples >= %s GROUP BY oid",
        (sorted(tables), LARGE_ROWS),
    )
    yield from (tuple(row) for row in cursor.fetchall())


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
