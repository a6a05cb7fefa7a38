"""Brings a database to the present schema, in one transaction: all of it or nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg2
from psycopg2.extensions import connection

from autoretrain.errors import ContractError, OperatorError
from autoretrain.storage.adopt import adopt, create_absent
from autoretrain.storage.connection import first_line, unavailable_translated
from autoretrain.storage.contract import RELATIONS
from autoretrain.storage.database import API, READER, TRAINER

LOCK = 7_301_120_001  # any number of our own: two migrations at once wait for each other


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was applied now, and what the user may want to do."""

    applied: tuple[str, ...]
    warnings: tuple[str, ...]


def migrate(opened: connection) -> Migrated:
    """Create or upgrade our schema and check the user's tables. Run it again after changing them.

    Raises ContractError naming a missing column, OperatorError where the login may not do it,
    DatabaseUnavailable.
    """
    try:
        with unavailable_translated(), opened, opened.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            # Whoever waits for a table keeps everybody behind him waiting: not for long.
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            for relation in RELATIONS:
                create_absent(cursor, relation)
            applied = _apply_pending(cursor)
            warnings = [line for relation in RELATIONS for line in adopt(cursor, relation)]
            _grant_writes(cursor)
    except psycopg2.errors.InsufficientPrivilege as exc:
        raise OperatorError(
            f"the login may not migrate this database ({first_line(exc)}):"
            " use a login that owns the tables and may create roles (CREATEROLE), or let an"
            f" administrator create and grant it {API}, {TRAINER} and {READER} first"
        ) from exc
    return Migrated(tuple(applied), tuple(warnings))


def _apply_pending(cursor: Any) -> list[str]:
    cursor.execute("CREATE SCHEMA IF NOT EXISTS autoretrain")
    cursor.execute(
        "CREATE TABLE IF NOT EXISTS autoretrain.schema_migrations (name text PRIMARY KEY,"
        " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    cursor.execute("SELECT name, sha256 FROM autoretrain.schema_migrations")
    known = dict(cursor.fetchall())
    applied = []
    for name, script in migrations():
        digest = hashlib.sha256(script.encode()).hexdigest()
        if name not in known:
            cursor.execute(script)
            cursor.execute(
                "INSERT INTO autoretrain.schema_migrations (name, sha256) VALUES (%s, %s)",
                (name, digest),
            )
            applied.append(name)
        elif known[name] != digest:
            raise ContractError(
                f"migration {name} was applied with another content: restore the file, and put"
                " the change into a migration of its own"
            )
    return applied


def migrations() -> list[tuple[str, str]]:
    """Name and text of every migration, in order."""
    folder = files("autoretrain.storage").joinpath("migrations")
    scripts = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted((file.name, file.read_text(encoding="utf-8")) for file in scripts)


def _grant_writes(cursor: Any) -> None:
    """Whoever puts a model live writes what the documentation says, through our views alone; the
    owner's own settings are for the owner to change, who asks through the API."""
    cursor.execute(
        "GRANT UPDATE (ml_model_version, ml_model_trained_at, ml_model_performance)"
        " ON autoretrain.strategies TO autoretrain_trainer"
    )
    cursor.execute("GRANT INSERT, UPDATE (is_active) ON autoretrain.models TO autoretrain_trainer")
    cursor.execute(
        "GRANT UPDATE (ml_model_version, ml_model_performance, set_ml_training_enabled,"
        " set_ml_min_trades_for_training) ON autoretrain.strategies TO autoretrain_api"
    )
    cursor.execute("GRANT UPDATE (is_active) ON autoretrain.models TO autoretrain_api")
