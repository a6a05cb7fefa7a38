from __future__ import annotations

import psycopg2
import pytest

from autoretrain.errors import BadSetting, DatabaseUnavailable
from autoretrain.storage.connection import connect
from autoretrain.storage.database import SOMEBODY_WAITS, Database, Transaction
from tests.storage.conftest import Stack
from tests.world import World

FORBIDDEN = [
    ("autoretrain_api", "UPDATE public.ai_strategies SET ml_model_version = 'v9'"),
    ("autoretrain_api", "UPDATE autoretrain.strategies SET ml_model_trained_at = now()"),
    ("autoretrain_api", "UPDATE autoretrain.strategy_training SET trades_read_at = now()"),
    ("autoretrain_api", "UPDATE autoretrain.model_artifacts SET verdict = '{}'"),
    ("autoretrain_api", "UPDATE autoretrain.model_activations SET why = ''"),
    ("autoretrain_api", "INSERT INTO autoretrain.model_artifacts (version) VALUES ('v9')"),
    ("autoretrain_api", "DELETE FROM autoretrain.training_runs"),
    ("autoretrain_api", "DELETE FROM autoretrain.retrain_decisions"),
    ("autoretrain_trainer", "UPDATE autoretrain.strategies SET id = gen_random_uuid()"),
    ("autoretrain_trainer", "UPDATE public.ai_strategies SET name = 'x'"),
    ("autoretrain_trainer", "SELECT * FROM public.trades"),
    ("autoretrain_trainer", "UPDATE autoretrain.model_artifacts SET sha256 = ''"),
    ("autoretrain_trainer", "UPDATE autoretrain.model_activations SET why = ''"),
    ("autoretrain_reader", "UPDATE autoretrain.training_runs SET reason = ''"),
    ("autoretrain_reader", "SELECT * FROM public.trades"),
]


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN)
def test_role_may_not_do_more_than_its_work(clone: str, role: str, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        World(clone).run(f"SET LOCAL ROLE {role}; {statement}")


def test_every_transaction_runs_as_its_role(stack: Stack) -> None:
    def who(tx: Transaction) -> str:
        tx.one("database_time")
        with tx._connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            return str(cursor.fetchall()[0][0])

    assert stack.database().transaction(who) == "autoretrain_api"
    assert stack.database("autoretrain_trainer").transaction(who) == "autoretrain_trainer"


def test_database_reconnects_when_its_connection_has_died(own: Stack) -> None:
    database = own.database()
    database.transaction(lambda tx: tx.one("database_time"))
    own.world.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )

    assert database.transaction(lambda tx: tx.one("database_time")) is not None


def test_lock_that_nobody_gives_back_is_waited_for_ten_seconds_at_most(own: Stack) -> None:
    def limits(tx: Transaction) -> tuple[str, str]:
        tx.one("database_time")
        with tx._connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
            )
            (row,) = cursor.fetchall()
            return row[0], row[1]

    assert own.database().transaction(limits) == ("10s", "20s")
    waited_for = Database(lambda: connect(own.url), "autoretrain_api", SOMEBODY_WAITS)
    assert waited_for.transaction(limits) == ("3s", "8s")
    waited_for.close()
    with own.database().snapshot() as tx:
        assert limits(tx) == ("10s", "10min")


@pytest.mark.parametrize("host", ["hostaddr=203.0.113.7", "service=prod", "host=db.example.com"])
def test_database_elsewhere_is_asked_for_encryption(host: str) -> None:
    with pytest.raises(BadSetting, match="sslmode=disable"):
        connect(f"{host} sslmode=disable")


def test_work_is_rolled_back_when_it_raises(own: Stack) -> None:
    strategy_id = own.world.strategy()

    def work(tx: Transaction) -> None:
        tx.run("set_fence", strategy_id=strategy_id, fence=99)
        raise LookupError

    with pytest.raises(LookupError):
        own.database().transaction(work)
    assert own.world.one("SELECT fence FROM autoretrain.strategy_training").fence == 0


def test_database_that_went_away_is_unavailable() -> None:
    database = Database(lambda: connect("postgresql://x@127.0.0.1:1/x"), "autoretrain_api")

    with pytest.raises(DatabaseUnavailable):
        database.transaction(lambda tx: tx.one("database_time"))
