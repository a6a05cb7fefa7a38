from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg2.extensions import make_dsn

from autoretrain.domain.models import Assignment, Lesson
from autoretrain.domain.runs import RUNNING_LEASE
from autoretrain.errors import DatabaseUnavailable
from autoretrain.ports import Report
from autoretrain.services.check import Checker
from autoretrain.services.train import Finished, GivenBack
from autoretrain.storage import database as database_module
from autoretrain.storage.checking import CheckBooks
from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, TRAINER, TRIES, Database, Limits, Transaction
from autoretrain.storage.training import TrainBooks
from autoretrain_trainer.learner import LightGBMLearner
from tests.faults.loop import Loop
from tests.faults.rows import row
from tests.faults.site import Site
from tests.faults.weather import Weather
from tests.world import World

READS_SLOWLY = """
ALTER VIEW autoretrain.trades RENAME TO quick_trades;
CREATE VIEW autoretrain.trades AS
    SELECT t.* FROM autoretrain.quick_trades t, LATERAL (SELECT pg_sleep(9)) slow;
GRANT SELECT ON autoretrain.trades TO autoretrain_api, autoretrain_trainer;
"""
READS_QUICKLY = """
DROP VIEW autoretrain.trades;
ALTER VIEW autoretrain.quick_trades RENAME TO trades;
"""
CLAIMS_FAIL = """
CREATE SEQUENCE public.failed;
CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF nextval('public.failed') <= {times} THEN
        RAISE EXCEPTION USING ERRCODE = '{code}';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER fails BEFORE INSERT ON autoretrain.training_runs
    FOR EACH ROW EXECUTE FUNCTION public.fail();
"""
DEADLOCK, SERIALIZATION, LOCKED = "40P01", "40001", "55P03"


class Logins:
    """People of the cluster, each with a database password that may be rotated away."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._made: list[str] = []

    def make(self, connections: int = -1) -> str:
        """A new login, and the address that it reaches the database by."""
        name = f"login_{uuid4().hex}"
        self._world.run(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT {connections}")
        self._world.run(f"GRANT autoretrain_api, autoretrain_trainer TO {name}")
        self._made.append(name)
        return make_dsn(self._world.url, user=name)

    def retire(self) -> None:
        """Nobody may log in as any of them, and whoever has is thrown out."""
        for name in self._made:
            self._world.run(f"ALTER ROLE {name} NOLOGIN")
        self.throw_out()

    def throw_out(self) -> None:
        """Every connection of theirs dies, and nobody is told."""
        self._world.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY(%s)",
            self._made,
        )

    def close(self) -> None:
        self.retire()
        for name in self._made:
            self._world.run(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def logins(loop: Loop) -> Iterator[Logins]:
    made = Logins(loop.world)
    yield made
    made.close()


@row("F25")
def test_request_is_asked_to_come_again_when_the_database_takes_no_more_connections(
    site: Site, logins: Logins
) -> None:
    site.rotate(logins.make(connections=0))

    told = site.call("GET", f"/api/ai-strategies/{site.strategy_id}")

    assert (told.status, told.code) == (503, "db_unavailable")
    assert int(told.headers["Retry-After"]) > 0
    site.rotate(logins.make())
    assert site.call("GET", f"/api/ai-strategies/{site.strategy_id}").status == 200


@row("F25")
def test_check_fails_when_the_database_takes_no_more_connections_and_its_retry_works(
    loop: Loop, logins: Logins
) -> None:
    strategy_id, full = loop.due(), logins.make(connections=0)
    database = Database(lambda: connect(full), API)
    checker = Checker(CheckBooks(database), loop.launcher())

    with pytest.raises(DatabaseUnavailable, match="too many connections"):
        checker.check([strategy_id], loop.slot)

    assert loop.runs(strategy_id) == []
    loop.check(strategy_id)
    assert loop.run(strategy_id).status == "starting"


@row("F26")
def test_trades_that_take_too_long_to_read_are_tried_again_and_name_the_remedy(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy_id = loop.world.strategy()
    loop.world.trades(strategy_id, [1.0, -1.0] * 60)
    run_id = loop.claimed(strategy_id)
    brief: Any = 0.2
    monkeypatch.setattr(database_module, "_LONG", Limits(statement_seconds=brief))
    learner = LightGBMLearner(TrainBooks(loop.database(TRAINER)), loop.artifacts)
    loop.world.run(READS_SLOWLY)

    (_, ended) = loop.train(run_id, learner=learner)

    assert isinstance(ended, GivenBack)
    run = loop.run(strategy_id)
    assert (run.status, run.attempt, ended.code) == ("queued", 2, "db_unavailable")
    assert "`autoretrain migrate` says which index is missing" in ended.message
    loop.train(run_id, learner=learner)
    loop.train(run_id, learner=learner)
    assert loop.run(strategy_id).status == "failed"  # and the strategy rests
    loop.world.run(READS_QUICKLY)
    loop.world.run("UPDATE autoretrain.strategy_training SET next_eligible_at = '-infinity'")
    loop.train(loop.claimed_again(strategy_id), learner=learner)
    assert loop.runs(strategy_id)[-1].status == "succeeded"


@row("F27")
@pytest.mark.parametrize("code", [DEADLOCK, SERIALIZATION, LOCKED])
@pytest.mark.parametrize("times", [1, TRIES - 1, TRIES])
def test_transaction_that_loses_to_another_is_run_again_three_times_at_most(
    loop: Loop, code: str, times: int
) -> None:
    strategy_id = loop.due()
    loop.world.run(CLAIMS_FAIL.format(code=code, times=times))

    (checked,) = loop.check(strategy_id)

    assert isinstance(checked.error, DatabaseUnavailable) is (times == TRIES)
    assert len(loop.runs(strategy_id)) == (times < TRIES)
    loop.check(strategy_id)
    assert loop.run(strategy_id).status == "starting"


@row("F27")
def test_deadlock_ends_with_both_transactions_done(loop: Loop) -> None:
    one, other = loop.due(), loop.due()
    both_hold_one, rounds = Barrier(2), count()

    def take(first: UUID, second: UUID) -> None:
        waiting = [both_hold_one]

        def work(tx: Transaction) -> None:
            next(rounds)
            tx.one("lock_strategy", strategy_id=first)
            if waiting:
                waiting.pop().wait()
            tx.one("lock_strategy", strategy_id=second)
            tx.run("set_fence", strategy_id=second, fence=7)

        database = Database(lambda: connect(loop.bench.url), API)
        database.transaction(work)
        database.close()

    threads = [Thread(target=take, args=pair) for pair in [(one, other), (other, one)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    fences = loop.world.run("SELECT fence FROM autoretrain.strategy_training")
    assert [held.fence for held in fences] == [7, 7]
    assert next(rounds) > 2  # who was thrown out has run again


@row("F28")
def test_rotated_password_is_read_anew_when_the_old_connection_ends(
    site: Site, logins: Logins, sky: Weather
) -> None:
    site.rotate(logins.make())
    assert site.call("GET", f"/api/ai-strategies/{site.strategy_id}").status == 200

    logins.retire()
    site.rotate(logins.make(), keep_connections=True)

    assert site.call("GET", f"/api/ai-strategies/{site.strategy_id}").status == 200
    assert sky.sent.count("secrets-manager.GetSecretValue") == 2


@row("F28")
def test_password_that_is_wrong_twice_is_one_clear_error_and_no_loop(
    site: Site, logins: Logins, sky: Weather
) -> None:
    site.rotate(logins.make())
    assert site.call("GET", f"/api/ai-strategies/{site.strategy_id}").status == 200

    logins.retire()  # and nobody has put the new one into the secret

    told = site.call("GET", f"/api/ai-strategies/{site.strategy_id}")
    assert (told.status, told.code) == (503, "db_unavailable")
    assert sky.sent.count("secrets-manager.GetSecretValue") <= 1 + TRIES
    assert "login_" not in told.text


@row("F30")
def test_request_succeeds_when_the_connection_died_while_the_function_was_frozen(
    site: Site, logins: Logins
) -> None:
    site.rotate(logins.make())
    path = f"/api/ai-strategies/{site.strategy_id}/auto-retrain"
    assert site.call("GET", f"/api/ai-strategies/{site.strategy_id}").status == 200

    logins.throw_out()

    assert site.call("POST", path).status in (200, 202)


def clocks_off_by(patch: pytest.MonkeyPatch, skew: timedelta) -> None:
    """What this machine's clock says to the product."""

    class Kind(type):
        def __instancecheck__(cls, one: object) -> bool:
            return isinstance(one, datetime)

    class Skewed(datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + skew

    real = time.time
    patch.setattr(time, "time", lambda: real() + skew.total_seconds())
    for name, module in list(sys.modules.items()):
        if name.startswith("autoretrain") and getattr(module, "datetime", None) is datetime:
            patch.setattr(module, "datetime", Skewed)


@row("F36")
@pytest.mark.parametrize("minutes", [-10, 10])
def test_clock_of_the_trainer_decides_nothing(loop: Loop, minutes: int) -> None:
    strategy_id = loop.world.strategy()
    loop.world.trades(strategy_id, [1.0, -1.0] * 60)
    run_id = loop.claimed(strategy_id)
    leases = []

    class Learner(LightGBMLearner):
        def learn(self, assignment: Assignment, as_of: datetime, report: Report) -> Lesson:
            loop.dispatch()  # which would take back what looks lost
            leases.append(
                loop.world.one(
                    "SELECT lease_expires_at - now() AS rest FROM autoretrain.training_runs"
                ).rest
            )
            return super().learn(assignment, as_of, report)

    with pytest.MonkeyPatch.context() as patch:
        clocks_off_by(patch, timedelta(minutes=minutes))
        learner = Learner(TrainBooks(loop.database(TRAINER)), loop.artifacts)
        (_, ended) = loop.train(run_id, learner=learner)

    assert isinstance(ended, Finished)
    assert timedelta() < leases[0] <= RUNNING_LEASE
    told = loop.world.one(
        "SELECT abs(extract(epoch FROM now() - trades_read_at)) AS read_ago,"
        " abs(extract(epoch FROM now() - finished_at)) AS finished_ago"
        " FROM autoretrain.training_runs"
    )
    assert max(told.read_ago, told.finished_ago) < 300
