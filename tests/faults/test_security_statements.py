"""Every named statement, in the stack's own roles: with one tenant's ids it neither reads nor
changes anything of another's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from psycopg2 import extras, sql

from autoretrain.domain.conditions import decide
from autoretrain.storage import named
from autoretrain.storage.database import API, TRAINER
from autoretrain.storage.wishes import WishBooks
from autoretrain_local import first_token
from tests.conftest import cloned
from tests.faults.fuzz_values import NEW, any_value
from tests.faults.rows import row
from tests.lessons import challenger
from tests.storage.conftest import Stack
from tests.world import NOW

# They are about all tenants, and nobody's request leads to them.
OF_ALL = {
    "claim_notifications",
    "database_time",
    "enrol_strategies",
    "expired_runs",
    "forget_old_decisions",
    "forget_old_notifications",
    "health",
    "launch_control",
    "launch_was_refused",
    "launch_was_taken",
    "launches_work",
    "lock_launches",
    "next_queued_run",
    "note_limit",
    "note_probe",
    "note_told",
    "paused_strategies",
    "store_decisions",
    "strategies_called",
    "strategies_to_check",
    "tell_degraded",
    "tick_summary",
}
# Their user is what they write down, or lock; whose strategy it is was asked for before.
WRITES_THE_USER_DOWN = {"insert_run", "insert_token", "lock_caller", "lock_tokens", "pin"} | {
    "remember_key"
}
# A row of the caller's own comes back whatever else is asked for.
OF_THE_CALLER = {"count_live_tokens", "forget_old_keys", "list_tokens", "runs_within_an_hour"} | {
    "repeated_run",
    "strategies_page",
}
TENANT = {"user_id", "strategy_id", "strategy_ids", "run_id", "token_id"}
TABLES = {
    "public.ai_strategies": "id",
    "public.ai_strategy_ml_models": "strategy_id",
    "autoretrain.strategy_training": "strategy_id",
    "autoretrain.training_runs": "strategy_id",
    "autoretrain.model_artifacts": "strategy_id",
    "autoretrain.model_activations": "strategy_id",
    "autoretrain.current_decisions": "strategy_id",
    "autoretrain.retrain_decisions": "strategy_id",
    "autoretrain.outbox": "strategy_id",
    "autoretrain.api_tokens": "user_id",
    "autoretrain.idempotency_keys": "user_id",
}


@dataclass(frozen=True)
class Tenant:
    ids: Mapping[str, Any]

    def rows(self, cursor: Any) -> list[Any]:
        """All that is theirs."""
        found = []
        for table, key in TABLES.items():
            relation = sql.Identifier(*table.split("."))
            of = self.ids["user_id" if key == "user_id" else "strategy_id"]
            query = sql.SQL("SELECT t::text FROM {} t WHERE {} = %s ORDER BY 1")
            cursor.execute(query.format(relation, sql.Identifier(key)), (of,))
            found.append(cursor.fetchall())
        return found

    def is_named_in(self, rows: list[Any]) -> bool:
        told = json.dumps(rows, default=str)
        names = ("user_id", "strategy_id", "run_id", "token_id", "finished_run")
        return any(str(self.ids[name]) in told for name in names)


def tenant(own: Stack, user_id: UUID) -> Tenant:
    """A user with a strategy, a model that is live, a run that waits, a token and a decision."""
    strategy_id = own.world.strategy(f"of {user_id}", user_id=user_id)
    own.world.trades(strategy_id, [1.0, -1.0] * 60)
    assignment = own.running(strategy_id, f"task/{user_id}")
    own.training.publish(assignment, challenger(), f"models/{user_id}", NOW)
    snapshot = own.snapshot(strategy_id)
    own.checking.store_decisions([decide(snapshot, snapshot.policy)], NOW)
    WishBooks(own.database()).queue(strategy_id, "test")
    waiting = own.world.one(
        "SELECT id FROM autoretrain.training_runs WHERE strategy_id = %s AND status = 'queued'",
        strategy_id,
    )
    own.world.run(
        "INSERT INTO autoretrain.idempotency_keys (user_id, key, request_hash, run_id)"
        " VALUES (%s, 'once', repeat('0', 64), %s)",
        user_id,
        waiting.id,
    )
    token = first_token.create(own.url, user_id, "test")
    return Tenant(
        {
            "user_id": user_id,
            "strategy_id": strategy_id,
            "strategy_ids": [strategy_id],
            "run_id": waiting.id,
            "finished_run": assignment.run_id,
            "token_id": token.split("_")[1],
            "task_arn": f"task/{user_id}",
        }
    )


@dataclass
class Town:
    """Two tenants, and one connection on which nothing is ever committed."""

    one: Tenant
    other: Tenant
    cursor: Any

    def run(self, name: str, ids: Mapping[str, Any]) -> tuple[list[Any], int]:
        """What the statement gives with these ids, in the role that may run it."""
        text = named.statement(name)
        values = {found: any_value(found) for found in re.findall(r"%\((\w+)\)s", text)}
        values |= {known: ids[known] for known in values.keys() & ids.keys()}
        values |= NEW.get(name, {})
        for role in (API, TRAINER):
            self.cursor.execute("SAVEPOINT before")
            self.cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
            try:
                self.cursor.execute(text, values)
            except psycopg2.errors.InsufficientPrivilege:
                self.cursor.execute("ROLLBACK TO SAVEPOINT before; RESET ROLE")
                continue
            rows = self.cursor.fetchall() if self.cursor.description else []
            touched = self.cursor.rowcount
            self.cursor.execute("RESET ROLE")
            return rows, touched
        raise AssertionError(f"no role of the stack may run {name}")


@pytest.fixture(scope="module")
def town(postgres: Any, templates: dict[str, str]) -> Iterator[Town]:
    for url in cloned(postgres, templates["tables"]):
        own = Stack(url)
        one, other = (tenant(own, uuid4()) for _ in range(2))
        own.close()
        opened = psycopg2.connect(url)
        extras.register_uuid(conn_or_curs=opened)  # type: ignore[no-untyped-call]
        yield Town(one, other, opened.cursor())
        opened.close()


@pytest.fixture(autouse=True)
def _undone(town: Town) -> Iterator[None]:
    yield
    town.cursor.connection.rollback()


def parameters(name: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", named.statement(name)))


ALL = sorted(named._statements())
OF_A_TENANT = [name for name in ALL if parameters(name) & TENANT]
WITH_USER = [
    name
    for name in OF_A_TENANT
    if "user_id" in parameters(name) and name not in WRITES_THE_USER_DOWN | OF_THE_CALLER
]


@row("B2")
def test_every_statement_is_about_one_tenant_or_known_to_be_about_all() -> None:
    assert set(ALL) - set(OF_A_TENANT) == OF_ALL


@pytest.mark.parametrize("name", OF_A_TENANT)
@row("B2")
def test_statement_with_ones_ids_leaves_the_other_alone(town: Town, name: str) -> None:
    before = town.other.rows(town.cursor)

    rows, _ = town.run(name, town.one.ids)

    assert not town.other.is_named_in(rows)
    assert town.other.rows(town.cursor) == before


@pytest.mark.parametrize("name", WITH_USER)
@row("B2")
def test_statement_with_ones_user_and_the_others_ids_finds_nothing(town: Town, name: str) -> None:
    before = town.one.rows(town.cursor), town.other.rows(town.cursor)

    rows, touched = town.run(name, {**town.other.ids, "user_id": town.one.ids["user_id"]})

    assert (rows, touched) == ([], 0)
    assert (town.one.rows(town.cursor), town.other.rows(town.cursor)) == before


@pytest.mark.parametrize("name", WITH_USER)
@row("B2")
def test_that_statement_finds_or_changes_what_is_ones_own(town: Town, name: str) -> None:
    rows, touched = town.run(name, town.one.ids)

    assert rows or touched or name in {"enrol_strategy", "model_of_run"}
