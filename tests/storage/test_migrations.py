from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from autoretrain.errors import BadSetting, ContractError, DatabaseUnavailable, OperatorError
from autoretrain.storage import named
from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, Database
from autoretrain.storage.migrate import Migrated, migrate, migrations
from tests.world import World

ALL = tuple(name for name, _ in migrations())


def migrated(url: str) -> Migrated:
    with closing(connect(url)) as opened:
        return migrate(opened)


def test_migrations_are_numbered_and_say_when_they_run() -> None:
    names = [name for name, _ in migrations()]

    assert all(re.fullmatch(r"\d{4}_(pre|post)_[a-z_]+\.sql", name) for name in names)
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_every_statement_is_described_and_used() -> None:
    package = Path(str(files("autoretrain.storage")))
    code = "".join(path.read_text() for path in package.glob("*.py"))
    for name in named._statements():
        assert f'"{name}"' in code, f"{name} is not used"
        assert named.statement(name).startswith("-- "), f"{name} has no description"


def test_migrate_makes_the_users_tables_with_the_documented_defaults(blank: str) -> None:
    assert migrated(blank).applied == ALL

    world = World(blank)
    world.run("INSERT INTO ai_strategies (user_id, name) VALUES (gen_random_uuid(), 'x')")
    made = world.one("SELECT * FROM ai_strategies")
    assert (made.ml_training_enabled, made.ml_min_trades_for_training) == (True, 100)


def test_migrate_closes_the_tables_that_it_makes_to_public_keys(blank: str) -> None:
    world = World(blank)
    world.run(
        "DO $$ BEGIN CREATE ROLE anon NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )
    world.run("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon")

    migrated(blank)

    open_to_anon = world.run(
        "SELECT relname FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND has_table_privilege('anon', oid, 'SELECT, INSERT, UPDATE, DELETE')"
    )
    assert open_to_anon == []


def test_migrate_twice_changes_nothing(blank: str) -> None:
    migrated(blank)

    assert migrated(blank) == Migrated((), ())


def test_migrate_waits_for_another_migration(blank: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(migrated, [blank] * 4))

    assert sorted(len(result.applied) for result in results) == [0, 0, 0, len(ALL)]


def test_migrate_leaves_the_users_own_table_alone_but_for_missing_ml_columns(blank: str) -> None:
    world = World(blank)
    world.run("CREATE TABLE ai_strategies (id uuid, user_id uuid, name text, is_active boolean)")
    world.run(
        "INSERT INTO ai_strategies VALUES (gen_random_uuid(), gen_random_uuid(), 'mine', true)"
    )

    migrated(blank)

    mine = world.one("SELECT * FROM ai_strategies")
    assert (mine.name, mine.ml_training_enabled, mine.ml_model_version) == ("mine", True, None)


def test_migrate_advises_an_index_on_a_table_that_is_not_ours(blank: str) -> None:
    world = World(blank)
    world.run(
        "CREATE TABLE trades (id bigint, strategy_id uuid, symbol text, side text,"
        " decided_at timestamptz, closed_at timestamptz, pnl_pct numeric, features jsonb)"
    )

    (warning,) = migrated(blank).warnings

    assert "CREATE INDEX trades_closed ON public.trades (strategy_id, decided_at)" in warning
    world.run(warning[warning.index("CREATE INDEX") :])
    assert migrated(blank).warnings == ()


@pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
def test_migrate_names_the_column_that_a_trades_table_or_view_lacks(blank: str, kind: str) -> None:
    world = World(blank)
    columns = (
        "gen_random_uuid() AS id, gen_random_uuid() AS strategy_id, 'BTC' AS symbol,"
        " 'long' AS side, now() AS decided_at, now() AS closed_at, '{}'::jsonb AS features"
    )
    world.run(f"CREATE {kind} trades AS SELECT {columns}")

    with pytest.raises(ContractError, match=r"column public\.trades\.pnl_pct is missing"):
        migrated(blank)

    assert world.one("SELECT to_regnamespace('autoretrain') AS found").found is None


def test_migrate_refuses_times_without_a_zone(blank: str) -> None:
    World(blank).run(
        "CREATE TABLE trades (id bigint, strategy_id uuid, symbol text, side text,"
        " decided_at timestamp, closed_at timestamptz, pnl_pct numeric, features jsonb)"
    )

    with pytest.raises(ContractError, match=r"decided_at is timestamp without time zone"):
        migrated(blank)


STRATEGY_VIEW = (
    "CREATE VIEW ai_strategies AS SELECT {columns} gen_random_uuid() AS id,"
    " gen_random_uuid() AS user_id, 'x' AS name, true AS is_active, true AS ml_training_enabled,"
    " 100 AS ml_min_trades_for_training, 'v1'::text AS ml_model_version,"
    " now() AS ml_model_trained_at, '{{}}'::jsonb AS ml_model_performance"
)
MODELS = (
    "CREATE TABLE ai_strategy_ml_models (strategy_id {id}, version {version}, is_active boolean,"
    " accuracy float8 {accuracy}, roc_auc float8, training_samples integer, improvement float8,"
    " created_at timestamptz {more})"
)


@pytest.mark.parametrize("columns", ["", "DISTINCT"])
def test_migrate_names_a_column_of_a_view_that_cannot_be_written(blank: str, columns: str) -> None:
    World(blank).run(STRATEGY_VIEW.format(columns=columns))

    with pytest.raises(ContractError, match=r"ai_strategies\.ml_model_version cannot be written"):
        migrated(blank)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "text"}, "strategy_id is text, not uuid"),
        ({"version": "integer"}, "version is integer, not text or character varying"),
        ({"accuracy": "NOT NULL"}, "accuracy is NOT NULL, but what was not judged has none"),
        ({"more": ", path text NOT NULL"}, "path is NOT NULL without a default"),
    ],
)
def test_migrate_names_what_would_keep_a_model_from_being_stored(
    blank: str, changes: dict[str, str], message: str
) -> None:
    columns = {"id": "uuid", "version": "text", "accuracy": "", "more": ""}
    World(blank).run(MODELS.format(**(columns | changes)))

    with pytest.raises(ContractError, match=message):
        migrated(blank)


def test_migrate_takes_a_column_that_a_trigger_fills(blank: str) -> None:
    world = World(blank)
    columns = {"id": "uuid", "version": "text", "accuracy": "", "more": ", path text NOT NULL"}
    world.run(MODELS.format(**columns))
    world.run(
        "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.path := 'x'; RETURN NEW; END $$;"
        " CREATE TRIGGER fill BEFORE INSERT ON ai_strategy_ml_models"
        " FOR EACH ROW EXECUTE FUNCTION fill()"
    )

    assert migrated(blank).applied == ALL


def test_migrate_takes_a_view_that_is_written_through_a_trigger(blank: str) -> None:
    world = World(blank)
    world.run(STRATEGY_VIEW.format(columns="DISTINCT"))
    world.run(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
        " CREATE TRIGGER keep INSTEAD OF UPDATE ON ai_strategies"
        " FOR EACH ROW EXECUTE FUNCTION keep()"
    )

    assert migrated(blank).applied == ALL


def test_migrate_again_leaves_what_others_built_on_our_views(blank: str) -> None:
    migrated(blank)
    world = World(blank)
    world.run("CREATE VIEW report AS SELECT symbol FROM autoretrain.trades")
    world.run("GRANT SELECT ON autoretrain.trades TO pg_monitor")

    migrated(blank)

    assert world.run("SELECT symbol FROM report") == []
    assert world.one("SELECT has_table_privilege('pg_monitor', 'autoretrain.trades', 'SELECT')")[0]


def test_migrate_waits_for_nobody_for_long(blank: str) -> None:
    migrated(blank)
    World(blank).run("DROP VIEW autoretrain.trades")
    with closing(connect(blank)) as reader, reader.cursor() as cursor:
        cursor.execute("LOCK TABLE autoretrain.schema_migrations IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseUnavailable, match="a lock was not given in time"):
            migrated(blank)


def test_migrate_follows_a_type_that_has_changed(blank: str) -> None:
    migrated(blank)
    world = World(blank)
    world.run("DROP VIEW autoretrain.trades; ALTER TABLE trades ALTER pnl_pct TYPE numeric(20, 8)")

    assert migrated(blank) == Migrated((), ())
    assert world.run("SELECT pnl_pct FROM autoretrain.trades") == []


def test_migrate_refuses_a_migration_whose_text_has_changed(blank: str) -> None:
    migrated(blank)
    World(blank).run("UPDATE autoretrain.schema_migrations SET sha256 = 'other'")

    with pytest.raises(ContractError, match="applied with another content"):
        migrated(blank)


def test_migrate_says_what_login_it_needs(blank: str) -> None:
    world = World(blank)
    world.run(
        "DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )

    with pytest.raises(
        OperatorError, match="use a login that owns the tables and may create roles"
    ):
        migrated(blank.replace("postgres@", "guest@"))


def test_database_that_is_not_migrated_says_so(blank: str) -> None:
    database = Database(lambda: connect(blank), API)
    World(blank).run("CREATE SCHEMA IF NOT EXISTS autoretrain")

    with pytest.raises(ContractError, match="run `autoretrain migrate`"):
        database.transaction(lambda tx: tx.all("expired_runs"))
    database.close()


def test_unreachable_database_is_one_line_without_the_password() -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        connect("postgresql://me:hunter2@127.0.0.1:1/x")

    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter%3F2@127.0.0.1:1,127.0.0.1:2/db?application_name=a@b",
        "postgresql://me:hunter?#[:2@127.0.0.1:1/db",
        "user=me@tenant password='hunter@/2' host=127.0.0.1 port=1",
    ],
)
def test_password_and_name_may_hold_what_ends_nothing(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="Connection refused"):
        connect(url)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql://h/db?sslmode=disable",
        "postgresql://me:hun@ter2@h/db",
        "postgresql://me:hun/ter2@h/db",
        "postgresql://me:hunter2",
    ],
)
def test_unusable_database_url_is_refused(url: str) -> None:
    with pytest.raises(BadSetting):
        connect(url)
