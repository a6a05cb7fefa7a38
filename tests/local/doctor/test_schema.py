"""The schema, your tables or views, and the indexes."""

from __future__ import annotations

from contextlib import closing

import pytest

from autoretrain.storage.connection import connect
from autoretrain.storage.migrate import migrate
from autoretrain_local.doctor.schema import LARGE_ROWS
from tests.local.doctor.looks import only, wrong
from tests.world import World


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
