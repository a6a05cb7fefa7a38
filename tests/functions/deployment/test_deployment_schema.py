"""The deployment's schema on real Postgres: migrated, or only checked, and never deleted."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from autoretrain.storage.migrate import migrations
from tests.functions.conftest import event
from tests.functions.deployment.conftest import Aws, Context, image_event, schema_event
from tests.world import World

NAMES = [name for name, _ in migrations()]
VERSION = NAMES[-1][:4]


def only_checking(aws: Aws) -> dict[str, Any]:
    given = schema_event(aws)
    given["ResourceProperties"]["Migrate"] = "false"
    return given


def test_sample_event_asks_for_the_newest_schema() -> None:
    asked = event("deployment_schema_create")["ResourceProperties"]["SchemaVersion"]
    assert asked == VERSION


def test_new_stack_migrates_its_database(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], blank: str
) -> None:
    secret(blank)
    given = schema_event(aws)

    told = app.handler(given, Context())

    assert told == aws.answer
    assert aws.answer == {
        "Status": "SUCCESS",
        "Reason": f"the schema is at {VERSION}",
        "PhysicalResourceId": "auto-retrain-DatabaseSchema",
        "StackId": given["StackId"],
        "RequestId": given["RequestId"],
        "LogicalResourceId": "DatabaseSchema",
        "Data": {"SchemaVersion": VERSION},
    }
    applied = World(blank).run("SELECT name FROM autoretrain.schema_migrations ORDER BY name")
    assert [row.name for row in applied] == NAMES


def test_update_of_a_migrated_database_changes_nothing_and_keeps_its_id(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], clone: str
) -> None:
    secret(clone)
    before = World(clone).run("SELECT * FROM autoretrain.schema_migrations ORDER BY name")

    app.handler(
        schema_event(aws, RequestType="Update", PhysicalResourceId="given-before"), Context()
    )

    assert (aws.answer["Status"], aws.answer["PhysicalResourceId"]) == ("SUCCESS", "given-before")
    assert World(clone).run("SELECT * FROM autoretrain.schema_migrations ORDER BY name") == before


def test_advice_on_the_users_own_table_is_passed_on(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], blank: str
) -> None:
    secret(blank)
    World(blank).run(
        "CREATE TABLE trades (id bigint, strategy_id uuid, symbol text, side text,"
        " decided_at timestamptz, closed_at timestamptz, pnl_pct numeric, features jsonb)"
    )

    app.handler(schema_event(aws), Context())

    assert aws.answer["Status"] == "SUCCESS"
    assert "CREATE INDEX trades_closed ON public.trades" in aws.answer["Reason"]


def test_missing_column_of_the_users_own_table_fails_the_deploy_by_name(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], blank: str
) -> None:
    secret(blank)
    World(blank).run("CREATE TABLE ai_strategies (id uuid, user_id uuid, is_active boolean)")

    app.handler(schema_event(aws), Context())

    assert aws.answer["Status"] == "FAILED"
    assert aws.answer["Reason"] == (
        "column public.ai_strategies.name is missing: add it, or a view that has it"
    )
    assert World(blank).run("SELECT nspname FROM pg_namespace WHERE nspname = 'autoretrain'") == []


def test_check_alone_is_content_with_a_migrated_database(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], clone: str
) -> None:
    secret(clone)
    app.handler(only_checking(aws), Context())
    assert (aws.answer["Status"], aws.answer["Data"]) == ("SUCCESS", {"SchemaVersion": VERSION})


def test_check_alone_names_what_is_missing_and_what_to_run(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], clone: str
) -> None:
    secret(clone)
    World(clone).run("DELETE FROM autoretrain.schema_migrations WHERE name = %s", NAMES[-1])

    app.handler(only_checking(aws), Context())

    assert aws.answer["Status"] == "FAILED"
    assert NAMES[-1] in aws.answer["Reason"]
    assert NAMES[0] not in aws.answer["Reason"]
    assert "autoretrain migrate --database-url" in aws.answer["Reason"]
    (left,) = World(clone).run("SELECT count(*) FROM autoretrain.schema_migrations")
    assert left.count == len(NAMES) - 1


def test_check_alone_leaves_an_empty_database_empty(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], blank: str
) -> None:
    secret(blank)

    app.handler(only_checking(aws), Context())

    assert aws.answer["Status"] == "FAILED"
    assert "autoretrain migrate" in aws.answer["Reason"]
    assert World(blank).run("SELECT nspname FROM pg_namespace WHERE nspname = 'autoretrain'") == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="schema"),
        pytest.param({"ResourceType": "Custom::Unknown"}, id="unknown"),
        pytest.param({"ResourceProperties": None}, id="malformed"),
    ],
)
def test_delete_always_succeeds_and_leaves_the_database_alone(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], clone: str, changes: dict[str, Any]
) -> None:
    secret(clone)
    kept = {"RequestType": "Delete", "PhysicalResourceId": "auto-retrain-DatabaseSchema"}

    app.handler(schema_event(aws) | kept | changes, Context())

    assert aws.answer["Status"] == "SUCCESS"
    assert aws.answer["PhysicalResourceId"] == "auto-retrain-DatabaseSchema"
    assert World(clone).run("SELECT name FROM autoretrain.schema_migrations")


def test_delete_needs_neither_settings_nor_a_database(app: ModuleType, aws: Aws) -> None:
    app.handler(image_event(aws, RequestType="Delete"), Context())
    assert aws.answer["Status"] == "SUCCESS"
