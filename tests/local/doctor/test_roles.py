"""Who may do what, and who may not."""

from __future__ import annotations

from contextlib import closing

from autoretrain.storage.connection import connect
from autoretrain.storage.migrate import migrate
from tests.local.doctor.looks import only, only_role, wrong
from tests.world import World


def test_duty_that_a_role_may_not_do_is_named(world: World) -> None:
    world.run("REVOKE SELECT ON autoretrain.trades FROM autoretrain_trainer")

    found = only_role(world.url)
    assert "autoretrain_trainer cannot read trades: permission denied" in found.found
    assert "autoretrain migrate" in (found.todo or "")


def test_view_that_asks_for_the_readers_own_rights_is_found(blank: str) -> None:
    world = World(blank)
    world.run(
        "CREATE TABLE positions (id bigint, strategy_id uuid, symbol text, side text, decided_at"
        " timestamptz, closed_at timestamptz, pnl_pct float8, features jsonb);"
        " CREATE VIEW trades WITH (security_invoker = true) AS SELECT * FROM positions"
    )
    with closing(connect(blank)) as opened:
        migrate(opened)

    found = only_role(blank)
    assert "autoretrain_api cannot read trades: permission denied for table" in found.found
    assert "without security_invoker" in (found.todo or "")


def test_trigger_that_swallows_what_is_written_is_found(blank: str) -> None:
    world = World(blank)
    world.run(
        "CREATE TABLE mine (id uuid, user_id uuid, name text, is_active boolean,"
        " ml_training_enabled boolean, ml_min_trades_for_training integer, ml_model_version text,"
        " ml_model_trained_at timestamptz, ml_model_performance jsonb);"
        " CREATE VIEW ai_strategies AS SELECT * FROM mine;"
        " INSERT INTO mine (id, is_active) VALUES (gen_random_uuid(), false);"
        " CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NEW; END $$;"
        " CREATE TRIGGER swallow INSTEAD OF UPDATE ON ai_strategies"
        " FOR EACH ROW EXECUTE FUNCTION swallow()"
    )
    with closing(connect(blank)) as opened:
        migrate(opened)

    assert [(finding.check, finding.found) for finding in wrong(blank)] == [
        ("roles", "autoretrain_api cannot write settings: it is not kept"),
        ("roles", "autoretrain_trainer cannot write ml_model_*: it is not kept"),
    ]


def test_login_that_may_not_take_the_roles_is_told_the_grant(world: World) -> None:
    world.run(
        "DO $$ BEGIN CREATE ROLE lodger LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        " GRANT USAGE ON SCHEMA autoretrain TO lodger;"
        " GRANT SELECT ON ALL TABLES IN SCHEMA autoretrain TO lodger"
    )

    todos = [one.todo for one in wrong(world.url.replace("postgres@", "lodger@"))]

    assert "GRANT autoretrain_api TO lodger;" in todos
    assert "GRANT autoretrain_trainer TO lodger;" in todos


def test_reader_that_may_write_is_told_the_revoke(world: World) -> None:
    world.run("GRANT UPDATE ON autoretrain.training_runs TO autoretrain_reader")

    revoke = only(world.url, "roles").todo
    assert revoke is not None
    world.run(revoke)
    assert wrong(world.url) == []


def test_table_that_a_public_key_opens_is_told_how_to_close(either: str) -> None:
    world = World(either)
    world.run(
        "DO $$ BEGIN CREATE ROLE anon NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        " GRANT ALL ON trades TO anon"
    )

    finding = only(either, "strangers")
    assert (finding.found, finding.todo is not None) == (
        "whoever has the public key gets at trades as anon",
        True,
    )
    world.run(finding.todo or "")
    assert wrong(either) == []
