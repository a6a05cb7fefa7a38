from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from autoretrain.domain.conditions import decide
from autoretrain.errors import Invalid, LaunchRefused, Unknown
from autoretrain.services.health import Health, Problem
from autoretrain.storage.connection import connect
from autoretrain.storage.control import Control
from autoretrain.storage.database import API, Database
from autoretrain.storage.reading import Page, Reading
from autoretrain.storage.vitals import VitalBooks
from tests.lessons import challenger, comparison
from tests.storage.conftest import Stack
from tests.world import NOW, USER

SOMEBODY = uuid4()


@pytest.fixture
def strategy(stack: Stack) -> UUID:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, -1.0] * 60)
    return strategy_id


def reading(stack: Stack) -> Reading:
    return Reading(stack.database())


def trained(stack: Stack, strategy: UUID, against: str | None = None) -> None:
    evidence = comparison(0.60, 0.65, against=against) if against else comparison(0.60, 0.69)
    assignment = stack.running(strategy)
    stack.training.publish(assignment, challenger(evidence), f"k/{uuid4()}", NOW)
    stack.world.run("UPDATE autoretrain.training_runs SET queued_at = queued_at - interval '1 m'")
    stack.world.run(
        "UPDATE autoretrain.model_artifacts SET created_at = created_at - interval '1 minute'"
    )


def test_strategies_are_the_callers_sorted_and_searched(own: Stack) -> None:
    for name, age_days in (("beta", 2), ("Alpha", 9), ("gamma 100%", None)):
        trained_at = None if age_days is None else NOW - timedelta(days=age_days)
        own.world.strategy(name, ml_model_trained_at=trained_at)
    own.world.strategy("theirs", user_id=SOMEBODY)

    def names(search: str = "", sort: str = "name") -> list[str]:
        page = reading(own).strategies(USER, search, sort, 10, None)
        assert page.next is None
        return [row.name for row in page.items]

    assert names() == ["Alpha", "beta", "gamma 100%"]
    assert names(sort="-name") == ["gamma 100%", "beta", "Alpha"]
    assert names(sort="trained_at") == ["gamma 100%", "Alpha", "beta"]
    assert names(sort="-trained_at") == ["beta", "Alpha", "gamma 100%"]
    assert (names("ALP"), names("0%"), names("_")) == (["Alpha"], ["gamma 100%"], [])


def test_list_tells_what_came_of_each_strategy_last(stack: Stack, strategy: UUID) -> None:
    trained(stack, strategy)
    snapshot = stack.snapshot(strategy)
    stack.checking.store_decisions([decide(snapshot, snapshot.policy)], NOW)
    run_id = stack.queued(strategy)

    (row,) = reading(stack).strategies(USER, "", "name", 10, None).items

    assert (row.ml_model_version, row.accuracy) == ("v1", 0.68)
    assert row.last_decision["outcome"] == "nothing_due"
    assert (row.live_run["id"], row.live_run["status"]) == (str(run_id), "queued")
    assert (row.paused_reason, row.failures, row.next_eligible_at) == (None, 0, None)


def collected(asked: Any) -> list[Any]:
    """Every item of a list, page by page."""
    found: list[Any] = []
    cursor = None
    while True:
        page: Page = asked(cursor)
        found.extend(page.items)
        if page.next is None:
            return found
        cursor = page.next


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_pages_hold_everything_once_newest_first(own: Stack, limit: int) -> None:
    strategy = own.world.strategy()
    own.world.trades(strategy, [1.0, -1.0] * 60)
    for against in (None, "v1", "v2"):
        trained(own, strategy, against)
    books = reading(own)

    models = collected(lambda cursor: books.models(USER, strategy, limit, cursor))
    activations = collected(lambda cursor: books.activations(USER, strategy, limit, cursor))
    runs = collected(lambda cursor: books.runs(USER, strategy, limit, cursor))
    strategies = collected(lambda cursor: books.strategies(USER, "", "name", limit, cursor))

    assert [model.version for model in models] == ["v3", "v2", "v1"]
    assert [model.is_active for model in models] == [True, False, False]
    assert [row.version for row in activations] == ["v3", "v2", "v1"]
    assert [run.model_version for run in runs] == ["v3", "v2", "v1"]
    assert [row.id for row in strategies] == [strategy]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 10, "0\n", "٣"])
def test_forged_cursor_is_refused(own: Stack, cursor: str) -> None:
    strategy, books = own.world.strategy(), reading(own)

    with pytest.raises(Invalid, match="cursor"):
        books.strategies(USER, "", "name", 10, cursor)
    for history in (books.decisions, books.activations, books.runs):
        with pytest.raises(Invalid, match="cursor"):
            history(USER, strategy, 10, cursor)


def test_decisions_are_those_that_changed(own: Stack) -> None:
    strategy = own.world.strategy()
    for trades in (60, 0, 60):
        own.world.trades(strategy, [1.0, -1.0] * (trades // 2))
        snapshot = own.snapshot(strategy)
        own.checking.store_decisions([decide(snapshot, snapshot.policy)], None)

    rows = collected(lambda cursor: reading(own).decisions(USER, strategy, 1, cursor))

    assert [row.outcome for row in rows] == ["initial_training", "too_few_trades"]
    assert rows[0].conditions[0]["name"] == "initial_training"


def test_strategy_is_told_with_settings_models_and_what_goes_on(
    stack: Stack, strategy: UUID
) -> None:
    trained(stack, strategy)
    Control(stack.database()).activate(USER, strategy, "v1", force=True, why="")
    run_id = stack.starting(strategy)

    row = reading(stack).strategy(USER, strategy)

    assert row.settings["ml_min_trades_for_training"] == 100
    assert row.settings["feature_weights"] == {}
    assert (row.champion["version"], row.waiting) == ("v1", None)
    assert row.champion["accuracy"] == 0.68
    assert (row.pin["version"], row.pin["by"]) == ("v1", str(USER))
    assert (row.live_run["id"], row.live_run["status"]) == (str(run_id), "starting")
    assert (row.paused_reason, row.failures, row.next_eligible_at) == (None, 0, None)


def test_strategy_that_the_hourly_check_never_met_has_the_default_settings(own: Stack) -> None:
    strategy = own.world.strategy(ml_training_enabled=False)
    own.world.run("DELETE FROM autoretrain.strategy_training")

    row = reading(own).strategy(USER, strategy)

    assert row.settings["activation_mode"] == "if_better"
    assert row.settings["ml_training_enabled"] is False
    assert (row.champion, row.last_decision, row.live_run) == (None, None, None)


def test_model_report_has_the_whole_verdict(stack: Stack, strategy: UUID) -> None:
    trained(stack, strategy)

    report = reading(stack).model(USER, strategy, "v1")

    assert report.verdict["challenger"]["accuracy"] == 0.68
    assert (report.rival, report.judged_rows, report.training_samples) == ("base rate", 55, 120)
    assert len(report.sha256) == len(report.manifest_sha256) == 64
    assert report.artifact_key.startswith("k/")


def test_run_tells_its_error_and_the_model_that_it_came_to(stack: Stack, strategy: UUID) -> None:
    assignment = stack.running(strategy)
    stack.training.fail(assignment, "bad_feature_weight", "rsi = 9")
    failed = reading(stack).run(USER, assignment.run_id)
    stack.world.run(
        "UPDATE autoretrain.strategy_training SET next_eligible_at = '-infinity', failures = 0"
    )
    trained(stack, strategy)
    (done, _) = reading(stack).runs(USER, strategy, 10, None).items

    assert failed.error == {"code": "bad_feature_weight", "message": "rsi = 9"}
    assert reading(stack).retrain_model(USER, failed.id) is None
    model: Any = reading(stack).retrain_model(USER, done.id)
    assert (model.version, model.accuracy, model.activated, model.outcome) == (
        "v1", 0.68, True, "better",
    )  # fmt: skip


def test_bot_is_told_the_champion_and_the_base_rate_that_it_was_fitted_on(
    stack: Stack, strategy: UUID
) -> None:
    trained(stack, strategy)

    row = reading(stack).active_model(USER, strategy)

    assert (row.version, row.expired, row.expires_at, row.pinned) == ("v1", False, None, False)
    assert (row.base_rate, row.base_rate_trades) == (0.55, 0)
    assert row.artifact_key.startswith("k/")


def test_bot_without_a_model_is_told_the_base_rate_of_the_newest_trades(own: Stack) -> None:
    strategy = own.world.strategy()
    empty = reading(own).active_model(USER, strategy)
    own.world.trades(strategy, [1.0] * 9 + [-1.0, None])
    own.world.trades(strategy, [-1.0] * 5, executed=False)

    row = reading(own).active_model(USER, strategy)

    assert (empty.version, empty.base_rate, empty.base_rate_trades) == (None, None, 0)
    assert (row.base_rate, row.base_rate_trades) == (pytest.approx(10 / 12), 10)


def test_model_past_its_age_is_told_as_expired_with_the_newest_trades_base_rate(
    stack: Stack, strategy: UUID
) -> None:
    trained(stack, strategy)
    control = Control(stack.database())
    control.change_settings(USER, strategy, {"model_max_age_days": 3})
    fresh = reading(stack).active_model(USER, strategy)
    control.change_settings(USER, strategy, {"model_max_age_days": 1e-6})

    expired = reading(stack).active_model(USER, strategy)

    assert (fresh.expired, fresh.expires_at > NOW) == (False, True)
    assert (expired.version, expired.expired) == ("v1", True)
    assert (expired.base_rate, expired.base_rate_trades) == (0.5, 120)


def test_performance_is_told_by_the_week_with_what_its_number_of_trades_is_worth(
    own: Stack,
) -> None:
    strategy = own.world.strategy()
    monday = NOW - timedelta(days=NOW.weekday() + 7)
    monday = monday.replace(hour=0, minute=0, second=0)
    own.world.trades(strategy, [2.0, 2.0, -1.0] * 10, first=monday)
    own.world.trades(strategy, [1.0] * 4, first=monday - timedelta(minutes=120))
    own.world.trades(strategy, [9.0], first=monday, executed=False)

    newer, older = reading(own).performance(USER, strategy, 52)

    assert (newer.week, newer.trades, newer.wins) == (monday.date(), 30, 20)
    assert (newer.pnl_pct, newer.enough) == (30.0, True)
    assert newer.win_rate == pytest.approx(2 / 3)
    assert (newer.win_rate_low, newer.win_rate_high) == pytest.approx((0.48780, 0.80768), abs=1e-4)
    assert (older.week, older.trades, older.enough) == (
        monday.date() - timedelta(days=7), 4, False,
    )  # fmt: skip
    assert older.win_rate_high == pytest.approx(1.0)
    assert reading(own).performance(USER, strategy, 1) == []
    assert isinstance(older.week, date)


def test_nothing_of_somebody_else_can_be_read(stack: Stack, strategy: UUID) -> None:
    trained(stack, strategy)
    run_id = stack.queued(strategy)
    books = reading(stack)

    assert books.strategies(SOMEBODY, "", "name", 10, None) == Page([], None)
    for kind, theirs in (
        ("strategy", lambda: books.strategy(SOMEBODY, strategy)),
        ("strategy", lambda: books.models(SOMEBODY, strategy, 10, None)),
        ("strategy", lambda: books.model(SOMEBODY, strategy, "v1")),
        ("strategy", lambda: books.active_model(SOMEBODY, strategy)),
        ("strategy", lambda: books.decisions(SOMEBODY, strategy, 10, None)),
        ("strategy", lambda: books.activations(SOMEBODY, strategy, 10, None)),
        ("strategy", lambda: books.runs(SOMEBODY, strategy, 10, None)),
        ("strategy", lambda: books.performance(SOMEBODY, strategy, 9)),
        ("run", lambda: books.run(SOMEBODY, run_id)),
    ):
        with pytest.raises(Unknown, match=f"no such {kind}"):
            theirs()
    assert books.retrain_model(SOMEBODY, run_id) is None


def problems(database: Database) -> list[Problem]:
    return Health(VitalBooks(database)).problems()


def test_health_is_good_when_the_schema_is_up_to_date(own: Stack) -> None:
    assert problems(own.database()) == []


def test_health_names_a_migration_that_is_missing(own: Stack) -> None:
    own.world.run("DELETE FROM autoretrain.schema_migrations WHERE name LIKE '0003%%'")

    (problem,) = problems(own.database())

    assert (problem.code, "autoretrain migrate" in problem.message) == ("contract", True)


def test_health_names_launches_that_are_stopped(own: Stack) -> None:
    strategy = own.world.strategy()
    own.world.trades(strategy, [1.0, -1.0] * 60)
    own.starting(strategy, None)
    own.world.run("UPDATE autoretrain.launch_control SET stopped_reason = 'arn:aws:secret'")

    (problem,) = problems(own.database())

    assert problem.code == "launches_stopped"
    assert "arn" not in problem.message
    assert LaunchRefused.code not in problem.message


def test_health_names_a_schema_that_is_not_there_at_all(blank: str) -> None:
    database = Database(lambda: connect(blank), API)
    (problem,) = problems(database)
    database.close()
    assert problem.code == "contract"


def test_health_gives_nothing_away_of_a_database_that_does_not_answer() -> None:
    secret = "postgresql://somebody:hunter2@127.0.0.1:1/books"

    (problem,) = problems(Database(lambda: connect(secret), API))

    assert problem == Problem("db_unavailable", "the database does not answer")
