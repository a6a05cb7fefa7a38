"""`autoretrain doctor` on real databases: what is right, and each thing that may be wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from autoretrain.storage.connection import connect
from autoretrain.storage.migrate import migrate
from autoretrain_client.cli import main
from autoretrain_local.doctor import server
from autoretrain_local.doctor.address import look_at_address
from autoretrain_local.doctor.aws import look_at_aws, stack_state
from autoretrain_local.doctor.examination import examine
from autoretrain_local.doctor.findings import Finding, State, bad, exit_code, good, unknown
from autoretrain_local.doctor.rendering import lines, summary
from autoretrain_local.doctor.schema import LARGE_ROWS
from tests.world import NOW, World

POOLER = "postgresql://postgres.abc:secret@aws-0-eu.pooler.supabase.com"
FIRST, EVERY = NOW - timedelta(days=40), timedelta(hours=2)
NOW_HERE = datetime(2026, 3, 2, 12, tzinfo=UTC)


def wrong(url: str) -> list[Finding]:
    return [finding for finding in examine(url) if finding.state is not State.GOOD]


def only(url: str, check: str) -> Finding:
    (finding,) = wrong(url)
    assert finding.check == check, finding
    return finding


@pytest.fixture
def world(clone: str) -> World:
    return traded(World(clone))


def traded(world: World) -> World:
    results = [1.0 if n % 3 else -1.0 for n in range(200)]
    features = [{"rsi": float(n * 7 % 100)} for n in range(200)]
    world.trades(world.strategy(), results, first=FIRST, every=EVERY, features=features)
    return world


# ------------------------------------------------------------------------- all is well


def test_doctor_finds_nothing_to_mend_on_tables_or_views(either: str) -> None:
    world = traded(World(either))
    before = world.one("SELECT * FROM ai_strategies")

    findings = list(examine(either))

    assert wrong(either) == []
    checks = [finding.check for finding in findings]
    assert checks == [
        "address", "connection", "encryption", "version", "clock", "tables", "tables", "tables",
        "strangers", "migrations", "indexes", "roles", "roles", "roles", "trades",
    ]  # fmt: skip
    assert "momentum: 200 usable closed trades (a training wants 100)" in findings[-1].found
    assert world.one("SELECT * FROM ai_strategies") == before
    assert world.run("SELECT * FROM ai_strategy_ml_models") == []


def test_doctor_looks_at_a_database_without_strategies(clone: str) -> None:
    assert wrong(clone) == []


# --------------------------------------------------------------------- address, connection


@pytest.mark.parametrize(
    ("url", "state", "told"),
    [
        (f"{POOLER}:6543/postgres", State.GOOD, "transaction pooler"),
        (f"{POOLER}:5432/postgres", State.GOOD, "session pooler"),
        ("postgresql://p:x@db.abc.supabase.co/postgres", State.GOOD, "direct connection"),
        ("postgresql://p:x@db.abc.supabase.co:6543/postgres", State.GOOD, "transaction pooler"),
        ("postgresql://p:x@example.org:6432/db", State.GOOD, "transaction pooler"),
        ("postgresql://p:x@example.org/db?options=-c%20a%3D1", State.GOOD, "direct connection"),
        (f"{POOLER}:6543/postgres?options=-c%20a%3D1", State.BAD, "options="),
        (f"{POOLER}:6543/postgres".replace(".abc", ""), State.BAD, "no login 'postgres'"),
    ],
)
def test_address_says_what_is_asked(url: str, state: State, told: str) -> None:
    *_, finding = look_at_address(url)

    assert (finding.state, told in finding.found) == (state, True), finding


@pytest.mark.parametrize(
    ("url", "advice"),
    [(f"{POOLER}:5432/postgres", "6543"), ("postgresql://p@db.abc.supabase.co/x", "IPv6 only")],
)
def test_address_that_works_less_well_comes_with_advice(url: str, advice: str) -> None:
    (finding,) = look_at_address(url)

    assert finding.todo is not None
    assert advice in finding.todo


def test_address_that_is_refused_is_to_be_mended() -> None:
    finding = wrong("postgresql://me:hunter2@example.org/db?sslmode=disable")[-1]

    assert (finding.check, finding.state) == ("connection", State.BAD)
    assert "use require" in (finding.todo or "")


def test_database_that_does_not_answer_is_not_seen() -> None:
    (finding,) = wrong("postgresql://me:hunter2@127.0.0.1:1/x")

    assert (finding.check, finding.state) == ("connection", State.UNKNOWN)
    assert "check its URL" in (finding.todo or "")


@pytest.mark.parametrize(("number", "state"), [(140_012, State.BAD), (150_004, State.GOOD)])
def test_version_is_15_or_newer(number: int, state: State) -> None:
    assert server.version(number).state is state


def test_encryption_without_a_checked_certificate_comes_with_advice() -> None:
    assert server.encryption("TLSv1.3", "verify-full").todo is None
    assert "DatabaseCa" in (server.encryption("TLSv1.3", "require").todo or "")


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (NOW_HERE + timedelta(seconds=3), State.GOOD),  # while the answer was on its way
        (NOW_HERE - timedelta(seconds=4), State.GOOD),
        (NOW_HERE - timedelta(seconds=6), State.BAD),
        (NOW_HERE + timedelta(seconds=14), State.BAD),
    ],
)
def test_clocks_may_differ_by_seconds_only(told: datetime, state: State) -> None:
    assert server.clock(NOW_HERE, told, NOW_HERE + timedelta(seconds=8)).state is state


# ------------------------------------------------------------------------------- schema


def test_database_that_is_not_migrated_is_told_table_by_table(blank: str) -> None:
    findings = wrong(blank)

    assert [finding.check for finding in findings] == ["tables"] * 3 + ["migrations"]
    assert all("autoretrain migrate" in (finding.todo or "") for finding in findings)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM {} WHERE name LIKE '0002%'", "not applied: 0002_pre_access.sql"),
        ("INSERT INTO {} VALUES ('9999_pre_x.sql', '')", "newer than this command: 9999_pre_x"),
        ("UPDATE {} SET sha256 = 'x' WHERE name LIKE '0001%'", "another content: 0001_pre_"),
    ],
)
def test_migrations_that_differ_are_named(world: World, change: str, told: str) -> None:
    world.run(change.format("autoretrain.schema_migrations").replace("%", "%%"))

    assert told in only(world.url, "migrations").found


def test_every_column_that_does_not_fit_is_named(blank: str) -> None:
    World(blank).run(
        "CREATE TABLE trades (id bigint, strategy_id uuid, symbol text, side text,"
        " decided_at timestamp, closed_at timestamptz, features json)"
    )

    found = [finding.found for finding in wrong(blank) if "public.trades" in finding.found]

    assert [line.split(":")[0].split(",")[0] for line in found] == [
        "column public.trades.decided_at is timestamp without time zone",
        "column public.trades.pnl_pct is missing",
        "column public.trades.features is json",
    ]


def test_missing_index_comes_with_its_sql(world: World) -> None:
    world.run("DROP INDEX trades_closed")

    create = only(world.url, "indexes").todo
    assert create is not None
    world.run(create)
    assert wrong(world.url) == []


def test_large_table_behind_a_view_that_is_read_whole_is_named(blank: str) -> None:
    world = World(blank)
    world.run(
        "CREATE TABLE positions AS SELECT n AS id, gen_random_uuid() AS strategy_id,"
        " 'BTC' AS symbol, 'long' AS side, now() AS decided_at, now() AS closed_at, 1.0 AS pnl_pct,"
        f" '{{}}'::jsonb AS features FROM generate_series(1, {LARGE_ROWS}) n;"
        " CREATE VIEW trades AS SELECT * FROM positions"
    )
    with closing(connect(blank)) as opened:
        migrate(opened)
    world.vacuum()

    finding = only(blank, "indexes")
    assert f"all of positions, about {LARGE_ROWS:,} rows" in finding.found
    world.run("CREATE INDEX ON positions (strategy_id, decided_at)")
    assert wrong(blank) == []


# ------------------------------------------------------------------------- roles, strangers


def test_duty_that_a_role_may_not_do_is_named(world: World) -> None:
    world.run("REVOKE SELECT ON autoretrain.trades FROM autoretrain_trainer")

    found = only_role(world.url)
    assert "autoretrain_trainer cannot read trades: permission denied" in found.found
    assert "autoretrain migrate" in (found.todo or "")


def only_role(url: str) -> Finding:
    """The trades are read in the trainer's role as well."""
    return next(finding for finding in wrong(url) if finding.check == "roles")


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


# ------------------------------------------------------------------------------- trades


@pytest.mark.parametrize(
    ("change", "told", "todo"),
    [
        (
            "UPDATE trades SET win = (pnl_pct <= 0)",
            "a training would fail (too_many_bad_rows)",
            "win disagrees with pnl_pct: 200",
        ),
        (
            "UPDATE trades SET features = '{\"exit_price\": 1}'",
            "a training would fail (exit_only_feature)",
            "exit_price",
        ),
        (
            "UPDATE trades SET features = jsonb_build_object('oracle', pnl_pct)",
            "a training would fail (suspected_leak)",
            "oracle",
        ),
        (
            'UPDATE trades SET features = \'{"mood": "good"}\'',
            "no feature that is a number",
            "flat",
        ),
    ],
)
def test_trades_that_a_training_would_refuse_are_told(
    world: World, change: str, told: str, todo: str
) -> None:
    world.run(change)

    finding = only(world.url, "trades")
    assert told in finding.found
    assert todo in (finding.todo or "")


def test_trades_that_are_left_out_are_counted(world: World) -> None:
    world.run("UPDATE trades SET side = 'sideways' WHERE decided_at < %s", FIRST + 8 * EVERY)

    *_, finding = examine(world.url)
    assert "left out (unknown side: 8)" in finding.found


# ---------------------------------------------------------------------------------- aws


STACK = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "models"}},
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "trainers"}},
    },
    "Outputs": {"ModelBucketName": {"Value": "models"}, "ClusterName": {"Value": "trainers"}},
}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        body = json.dumps(STACK)
        boto3.client("cloudformation").create_stack(StackName="auto-retrain", TemplateBody=body)
        yield "auto-retrain"


def test_stack_that_stands_is_good(stack: str) -> None:
    assert [(one.check, one.state) for one in look_at_aws(stack)] == [
        ("stack", State.GOOD),
        ("model store", State.GOOD),
        ("cluster", State.GOOD),
    ]


def test_bucket_and_cluster_that_are_gone_are_told(stack: str) -> None:
    boto3.client("s3").delete_bucket(Bucket="models")
    boto3.client("ecs").delete_cluster(cluster="trainers")

    assert [(one.check, one.state) for one in look_at_aws(stack)] == [
        ("stack", State.GOOD),
        ("model store", State.BAD),
        ("cluster", State.BAD),
    ]


def test_stack_that_is_not_there_is_not_seen(stack: str) -> None:
    (finding,) = look_at_aws("another")

    assert (finding.check, finding.state) == ("stack", State.UNKNOWN)


def test_stack_that_failed_is_to_be_mended() -> None:
    assert stack_state("auto-retrain", "ROLLBACK_COMPLETE").state is State.BAD


# -------------------------------------------------------------------------- the command


def test_command_tells_every_finding_and_leaves_with_0(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--database-url", world.url]) == 0

    told = capsys.readouterr().out
    assert told.count("✓") == 15
    assert told.endswith("all good: 15 things looked at\n")


def test_command_leaves_with_1_where_something_is_to_be_mended(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.run("DROP INDEX trades_closed")

    assert main(["doctor", "--database-url", world.url, "--json"]) == 1

    told = json.loads(capsys.readouterr().out)
    (finding,) = (one for one in told["findings"] if one["state"] == "bad")
    assert (told["exit_code"], finding["check"]) == (1, "indexes")
    assert finding["todo"].startswith("CREATE INDEX")


def test_command_leaves_with_2_where_it_cannot_look_and_never_tells_the_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--database-url", "postgresql://me:hunter2@127.0.0.1:1/x"]) == 2

    told = capsys.readouterr()
    assert "? connection" in told.out
    assert "hunter2" not in told.out + told.err


def test_command_reads_the_address_from_a_secret(
    world: World, stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = boto3.client("secretsmanager").create_secret(
        Name="database", SecretString=json.dumps({"url": world.url})
    )

    arguments = ["--secret-arn", secret["ARN"], "--stack-name", stack]
    assert main(["doctor", *arguments]) == 0
    assert "✓ cluster" in capsys.readouterr().out


def test_command_looks_at_the_embedded_database_without_any_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--data", str(tmp_path)]) == 1
    assert "✗ migrations: none was applied" in capsys.readouterr().out


def test_what_is_wrong_counts_more_than_what_was_not_seen() -> None:
    fine, broken, hidden = good("a", "x"), bad("b", "x", "y"), unknown("c", "x", "y")

    assert exit_code([fine]) == 0
    assert exit_code([fine, hidden]) == 2
    assert exit_code([hidden, broken, fine]) == 1
    assert summary([hidden, broken, fine]) == "1 to mend, 1 not seen, 1 good"


def test_names_cannot_command_the_terminal() -> None:
    assert list(lines(bad("trades", "\x1b[2Jx", "do\nit"))) == ["✗ trades: �[2Jx", "    → do it"]
