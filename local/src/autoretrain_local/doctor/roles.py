"""Who may do what: the three roles do their work once, and it is taken back; nobody else can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extensions import connection

from autoretrain.storage.adopt import PUBLIC_KEYS
from autoretrain.storage.connection import first_line
from autoretrain.storage.contract import RELATIONS
from autoretrain.storage.database import API, READER, TRAINER
from autoretrain_local.doctor.findings import Finding, bad, good
from autoretrain_local.doctor.schema import MIGRATE
from autoretrain_local.doctor.trial import trial

_NOT_THROUGH_VIEWS = (
    f"{MIGRATE}; where a view of yours is in the way, make it without security_invoker, and its"
    " trigger's function with SECURITY DEFINER"
)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that a role has to be able to do, with one of the strategies where it writes.
    `shown` counts 1 where the writing has come through: a trigger may swallow it."""

    role: str
    what: str
    statement: str
    shown: str | None = None


DUTIES = (
    Duty(API, "read trades", "SELECT * FROM autoretrain.trades LIMIT 1"),
    Duty(
        API,
        "write settings",
        "UPDATE autoretrain.strategies SET set_ml_training_enabled = false WHERE id = %(id)s",
        "SELECT count(*) FROM autoretrain.strategies"
        " WHERE id = %(id)s AND NOT set_ml_training_enabled",
    ),
    Duty(TRAINER, "read trades", "SELECT * FROM autoretrain.trades LIMIT 1"),
    Duty(
        TRAINER,
        "write ml_model_*",
        "UPDATE autoretrain.strategies SET ml_model_version = 'doctor',"
        " ml_model_trained_at = '2000-01-01 00:00Z', ml_model_performance = '{}'"
        " WHERE id = %(id)s",
        "SELECT count(*) FROM autoretrain.strategies"
        " WHERE id = %(id)s AND ml_model_version = 'doctor' AND ml_model_performance = '{}'"
        " AND ml_model_trained_at = '2000-01-01 00:00Z'",
    ),
    Duty(
        TRAINER,
        "write models",
        "INSERT INTO autoretrain.models (strategy_id, version, is_active, accuracy, roc_auc,"
        " training_samples, improvement, created_at)"
        " SELECT id, 'doctor', false, NULL, NULL, 0, NULL, now()"
        " FROM autoretrain.strategies WHERE id = %(id)s",
        "SELECT count(*) FROM autoretrain.models WHERE strategy_id = %(id)s AND version = 'doctor'",
    ),
    Duty(READER, "read runs", "SELECT * FROM autoretrain.run_history LIMIT 1"),
)


def look_at_roles(opened: connection) -> Iterator[Finding]:
    with trial(opened) as cursor:
        cursor.execute("SELECT id FROM autoretrain.strategies ORDER BY id LIMIT 1")
        strategy = cursor.fetchone()
    for role in (API, TRAINER, READER):
        duties = [duty for duty in DUTIES if duty.role == role]
        wrong = [found for duty in duties if (found := _try(opened, duty, strategy))]
        done = ", ".join(duty.what for duty in duties)
        yield from wrong or [good("roles", f"{role} may {done}")]
    yield from _reader_that_writes(opened)


def _try(opened: connection, duty: Duty, strategy: Any) -> Finding | None:
    """What is wrong, None where nothing is; without a strategy, whether it may is all there is."""
    cannot, values = f"{duty.role} cannot {duty.what}", {"id": strategy and strategy[0]}
    try:
        with trial(opened, duty.role) as cursor:
            cursor.execute(duty.statement, values)
            if strategy is None or duty.shown is None:
                return None
            cursor.execute(duty.shown, values)
            if cursor.fetchone()[0] == 1:
                return None
        return bad("roles", f"{cannot}: it is not kept", "let your view's trigger write it")
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidParameterValue) as exc:
        return _not_allowed(opened, duty.role, f"{cannot}: {first_line(exc)}")
    except (psycopg2.OperationalError, psycopg2.InterfaceError):
        raise  # the database, and not the role
    except psycopg2.Error as exc:
        return bad("roles", f"{cannot}: {first_line(exc)}", "correct the view, or its trigger")


def _not_allowed(opened: connection, role: str, found: str) -> Finding:
    """The login may not take the role, the role is not there, or it may not do its work."""
    with trial(opened) as cursor:
        cursor.execute("SELECT to_regrole(%s) IS NOT NULL", (role,))
        if not cursor.fetchone()[0]:
            return bad("roles", found, MIGRATE)
        cursor.execute("SELECT pg_has_role(%s, 'MEMBER'), quote_ident(current_user)", (role,))
        member, login = cursor.fetchone()
    return bad("roles", found, _NOT_THROUGH_VIEWS if member else f"GRANT {role} TO {login};")


def _reader_that_writes(opened: connection) -> Iterator[Finding]:
    with trial(opened) as cursor:
        cursor.execute(
            "SELECT string_agg(oid::regclass::text, ', ' ORDER BY oid::regclass::text)"
            " FROM pg_class WHERE relnamespace = 'autoretrain'::regnamespace"
            " AND relkind IN ('r', 'v') AND has_table_privilege(%s, oid, 'INSERT, UPDATE, DELETE')",
            (READER,),
        )
        (written,) = cursor.fetchone()
    if written is not None:
        yield bad(
            "roles",
            f"{READER} may write {written}",
            f"REVOKE INSERT, UPDATE, DELETE ON {written} FROM {READER};",
        )


def look_at_strangers(opened: connection) -> Iterator[Finding]:
    """Supabase lets whoever has the project's public key into new tables and views."""
    with trial(opened) as cursor:
        cursor.execute(
            "SELECT role.rolname, found.oid::regclass::text, found.relkind = 'v' AS is_view"
            " FROM pg_roles role, pg_class found"
            " WHERE role.rolname = ANY (%s)"
            " AND found.oid IN (SELECT to_regclass(name) FROM unnest(%s) name)"
            " AND NOT found.relrowsecurity"
            " AND has_table_privilege(role.oid, found.oid, 'SELECT, INSERT, UPDATE, DELETE')"
            " ORDER BY 2, 1",
            (list(PUBLIC_KEYS), [f"public.{relation.name}" for relation in RELATIONS]),
        )
        seen = cursor.fetchall()
    for role, table, is_view in seen:
        close = f"REVOKE ALL ON {table} FROM {role};"
        if not is_view:
            close = f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        yield bad("strangers", f"whoever has the public key gets at {table} as {role}", close)
    if not seen:
        yield good("strangers", "nobody gets at your tables with a public key")
