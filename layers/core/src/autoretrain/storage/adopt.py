"""Takes the user's tables or views as they are: creates what is absent, checks the rest against the
contract, and builds the views that we read and write them through."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg2
from psycopg2 import sql

from autoretrain.errors import ContractError
from autoretrain.storage.contract import Column, Relation
from autoretrain.storage.database import API, READER, TRAINER

INSERTABLE = 8  # pg_relation_is_updatable: 1 << CMD_INSERT
INSTEAD_OF_UPDATE = 64 | 16  # pg_trigger.tgtype
BEFORE_EACH_INSERT = 1 | 2 | 4
_ROLES = sql.SQL(", ").join(map(sql.Identifier, (API, TRAINER, READER)))

PUBLIC_KEYS = ("anon", "authenticated")
"""What Supabase's public key acts as: its defaults let them into every new table."""


@dataclass(frozen=True, slots=True)
class Found:
    """A column as the user's table or view has it."""

    type: str
    required: bool
    has_default: bool
    updatable: bool


def create_absent(cursor: Any, relation: Relation) -> None:
    """Create the user's table where nothing of its name exists, closed to public keys."""
    cursor.execute("SELECT to_regclass(%s) IS NULL", (f"public.{relation.name}",))
    if cursor.fetchone()[0]:
        script = files("autoretrain.storage").joinpath("user_tables", f"{relation.name}.sql")
        cursor.execute(script.read_text(encoding="utf-8"))
        _close_to_public_keys(cursor, relation)


def _close_to_public_keys(cursor: Any, relation: Relation) -> None:
    cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)", (list(PUBLIC_KEYS),))
    for (role,) in cursor.fetchall():
        revoke = sql.SQL("REVOKE ALL ON {} FROM {}")
        table = sql.Identifier("public", relation.name)
        cursor.execute(revoke.format(table, sql.Identifier(role)))


def adopt(cursor: Any, relation: Relation) -> list[str]:
    """Check the relation against its contract, build our view of it; returns warnings.

    Raises ContractError naming the column that is missing or unusable.
    """
    _add_missing_columns(cursor, relation)
    fault = next(faults(cursor, relation), None)
    if fault is not None:
        raise ContractError(fault)
    _create_view(cursor, relation, _columns(cursor, relation))
    sql_of_index = missing_index(cursor, relation)
    if sql_of_index is None:
        return []
    slow = f"public.{relation.name} has no index for the hourly check"
    return [f"{slow}; to make it fast: {sql_of_index}"]


def faults(cursor: Any, relation: Relation) -> Iterator[str]:
    """What keeps the relation from being used, each with what to do."""
    found = _columns(cursor, relation)
    for column in relation.columns:
        fault = _fault(column, found.get(column.name))
        if fault is not None:
            yield f"column public.{relation.name}.{column.name} {fault}"
    if relation.inserted:
        yield from _not_insertable(cursor, relation, found)


def _columns(cursor: Any, relation: Relation) -> dict[str, Found]:
    cursor.execute(
        "SELECT attname, format_type(atttypid, NULL), attnotnull,"
        " atthasdef OR attidentity <> '' OR attgenerated <> '' OR typdefault IS NOT NULL,"
        " pg_column_is_updatable(attrelid, attnum, true) OR EXISTS (SELECT FROM pg_trigger"
        "   WHERE tgrelid = attrelid AND tgtype & %s = %s)"
        " FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
        (INSTEAD_OF_UPDATE, INSTEAD_OF_UPDATE, f"public.{relation.name}"),
    )
    return {name: Found(*rest) for name, *rest in cursor.fetchall()}


def _is_table(cursor: Any, relation: Relation) -> bool:
    cursor.execute(
        "SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = to_regclass(%s)",
        (f"public.{relation.name}",),
    )
    return bool(cursor.fetchone()[0])


def _add_missing_columns(cursor: Any, relation: Relation) -> None:
    """Nothing is altered that need not be: an ALTER that adds nothing locks all the same."""
    if not _is_table(cursor, relation):
        return
    found = _columns(cursor, relation)
    for column in relation.columns:
        if column.add is not None and column.name not in found:
            add = sql.SQL("ALTER TABLE {} ADD COLUMN {} ").format(
                sql.Identifier("public", relation.name), sql.Identifier(column.name)
            )
            cursor.execute(add + sql.SQL(column.add))


def _fault(column: Column, found: Found | None) -> str | None:
    if found is None:
        missing = column.absent is None
        return "is missing: add it, or a view that has it" if missing else None
    if column.types and found.type not in column.types:
        wanted = " or ".join(column.types)
        return f"is {found.type}, not {wanted}: change it, or add a view"
    if column.written and not found.updatable:
        return (
            "cannot be written: make it a plain column of a simple view, or give the view INSTEAD"
            " OF triggers"
        )
    if column.nullable and found.required:
        return "is NOT NULL, but what was not judged has none: allow NULL"
    return None


def _not_insertable(cursor: Any, relation: Relation, found: dict[str, Found]) -> Iterator[str]:
    cursor.execute(
        "SELECT pg_relation_is_updatable(to_regclass(%s), true)", (f"public.{relation.name}",)
    )
    if not cursor.fetchone()[0] & INSERTABLE:
        yield (
            f"view public.{relation.name} does not take INSERT: make it a simple view, or give it"
            " INSTEAD OF triggers"
        )
    if _has_trigger(cursor, relation, BEFORE_EACH_INSERT):
        return  # it may fill what we do not know
    known = {column.name for column in relation.columns}
    for name, column in found.items():
        if name not in known and column.required and not column.has_default:
            yield (
                f"column public.{relation.name}.{name} is NOT NULL without a default, and we do"
                " not know what to write there: give it a default"
            )


def _has_trigger(cursor: Any, relation: Relation, kind: int) -> bool:
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(%s)"
        " AND tgtype & %s = %s AND NOT tgisinternal)",
        (f"public.{relation.name}", kind, kind),
    )
    return bool(cursor.fetchone()[0])


def _create_view(cursor: Any, relation: Relation, found: dict[str, Found]) -> None:
    """Simple column references stay simple, so that the view itself can be written through.

    A view that is as it should be is not touched: others may be reading through it.
    """
    view = sql.Identifier("autoretrain", relation.view)
    create = sql.SQL("CREATE OR REPLACE VIEW {} AS SELECT {} FROM {}").format(
        view, _reads(relation, found), sql.Identifier("public", relation.name)
    )
    digest = hashlib.sha256(create.as_string(cursor).encode()).hexdigest()
    cursor.execute(
        "SELECT obj_description(to_regclass(%s), 'pg_class')", (f"autoretrain.{relation.view}",)
    )
    if cursor.fetchone()[0] == digest:
        return
    try:
        cursor.execute(create)
    except psycopg2.errors.InvalidTableDefinition as exc:
        raise ContractError(
            f"the view autoretrain.{relation.view} does not fit public.{relation.name} any more:"
            f" DROP VIEW autoretrain.{relation.view}, then migrate again"
        ) from exc
    cursor.execute(
        sql.SQL("GRANT SELECT ON {0} TO {1}; COMMENT ON VIEW {0} IS {2}").format(
            view, _ROLES, sql.Literal(digest)
        )
    )


def _reads(relation: Relation, found: dict[str, Found]) -> sql.Composable:
    reads = []
    for column in relation.columns:
        expression = column.read if column.name in found else column.absent or "NULL"
        read = sql.SQL(expression).format(sql.Identifier(column.name))
        reads.append(read + sql.SQL(" AS ") + sql.Identifier(column.name))
    # At the end: a view that is replaced may only grow there.
    for column in relation.columns:
        if column.setting:
            plain = sql.SQL("{} AS {}").format(
                sql.Identifier(column.name), sql.Identifier(f"set_{column.name}")
            )
            reads.append(plain)
    return sql.SQL(", ").join(reads)


def missing_index(cursor: Any, relation: Relation) -> str | None:
    """The SQL of the index that the user's own table lacks: there it is advice, not an act."""
    if relation.index is None or not _is_table(cursor, relation):
        return None
    cursor.execute(
        "SELECT count(*) FROM pg_index i WHERE indrelid = to_regclass(%s) AND indnkeyatts >= 2"
        " AND (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute"
        "      WHERE attrelid = i.indexrelid AND attnum <= 2) = ARRAY['strategy_id', 'decided_at']",
        (f"public.{relation.name}",),
    )
    indexed = bool(cursor.fetchone()[0])
    return None if indexed else relation.index.format(table=f"public.{relation.name}")
