from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest

from autoretrain.domain.gate import BASE_RATE
from autoretrain.domain.models import Assignment
from autoretrain.domain.runs import Ending, Loss
from autoretrain.domain.work import Progress, Published
from autoretrain.errors import RunTaken
from autoretrain.ports import ChampionChanged
from autoretrain.storage.training import TrainBooks
from tests.lessons import challenger, comparison, declined, rows, too_few
from tests.storage.conftest import Stack
from tests.world import NOW


@pytest.fixture
def strategy(stack: Stack) -> UUID:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, -1.0] * 60)
    return strategy_id


def activated_v1(stack: Stack, strategy: UUID) -> Published:
    return stack.training.publish(stack.running(strategy), challenger(), "k/1", NOW)


def by_hand(stack: Stack, strategy: UUID) -> Assignment:
    """A running attempt whose run a person has asked for."""
    assignment = stack.running(strategy)
    stack.world.run("UPDATE autoretrain.training_runs SET manual = true")
    return stack.training.refresh(assignment)


def active_models(stack: Stack) -> list[str]:
    found = stack.world.run("SELECT version FROM ai_strategy_ml_models WHERE is_active")
    return [row.version for row in found]


def test_publish_activates_a_better_first_model_everywhere_at_once(
    stack: Stack, strategy: UUID
) -> None:
    published = activated_v1(stack, strategy)

    assert (published.version, published.activated, published.outcome) == ("v1", True, "better")
    seen = stack.world.one("SELECT * FROM ai_strategies")
    assert (seen.ml_model_version, seen.ml_model_trained_at) == ("v1", NOW)
    performance = seen.ml_model_performance
    assert performance["accuracy"] == 0.68
    assert performance["roc_auc"] == 0.65
    assert performance["training_samples"] == 120
    assert performance["improvement"] == pytest.approx(0.03)
    assert performance["judged_rows"] == 55
    assert performance["log_loss_improvement"] == pytest.approx(0.09)
    assert active_models(stack) == ["v1"]
    held = stack.world.one("SELECT * FROM autoretrain.strategy_training")
    assert (held.champion, held.trades_read_at, held.fingerprint) == ("v1", NOW, "f" * 64)
    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.status, run.model_version, run.activated) == ("succeeded", "v1", True)
    assert (run.rows_used, run.rows_dropped) == (120, {"no outcome": 1})
    assert run.training_seconds == (run.finished_at - run.running_at).total_seconds()
    activation = stack.world.one("SELECT * FROM autoretrain.model_activations")
    assert (activation.version, activation.previous_version) == ("v1", None)
    (note,) = stack.world.run("SELECT * FROM autoretrain.outbox")
    assert (note.topic, note.payload["version"]) == ("ModelActivated", "v1")


def test_publish_replaces_the_champion_by_a_better_challenger(stack: Stack, strategy: UUID) -> None:
    activated_v1(stack, strategy)

    better = challenger(comparison(0.62, 0.65, against="v1"))
    published = stack.training.publish(stack.running(strategy), better, "k/2", NOW)

    assert (published.version, published.activated) == ("v2", True)
    assert published.previous_version == "v1"
    assert active_models(stack) == ["v2"]
    assert stack.world.one("SELECT ml_model_version AS v FROM ai_strategies").v == "v2"
    log = stack.world.run(
        "SELECT version, previous_version AS p FROM autoretrain.model_activations"
    )
    assert [(row.version, row.p) for row in log] == [("v1", None), ("v2", "v1")]


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        pytest.param(comparison(0.66, 0.65, against="v1"), "not_better", id="worse"),
        pytest.param(comparison(0.65, 0.65, against="v1"), "not_better", id="equal"),
        pytest.param(too_few(), "not_enough_evidence", id="too few judged rows"),
    ],
)
def test_publish_keeps_the_champion_and_moves_the_clock(
    stack: Stack, strategy: UUID, evidence: object, outcome: str
) -> None:
    activated_v1(stack, strategy)
    later = NOW + timedelta(minutes=5)

    kept = challenger(evidence, rows=rows(as_of=later))  # type: ignore[arg-type]
    published = stack.training.publish(stack.running(strategy), kept, "k/2", later)

    assert (published.outcome, published.version, published.activated) == (outcome, "v2", False)
    assert active_models(stack) == ["v1"]
    seen = stack.world.one("SELECT * FROM ai_strategies")
    assert (seen.ml_model_version, seen.ml_model_trained_at) == ("v1", later)
    assert seen.ml_model_performance["decided_by"].startswith("log-loss 0.690")


def test_decline_finishes_the_run_without_a_model_and_moves_the_clock(
    stack: Stack, strategy: UUID
) -> None:
    published = stack.training.decline(stack.running(strategy), declined())

    assert (published.outcome, published.version) == ("insufficient_data", None)
    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.status, run.outcome, run.line) == (
        "succeeded",
        "insufficient_data",
        "8 wins of at least 10",
    )
    assert stack.world.one("SELECT ml_model_trained_at AS t FROM ai_strategies").t == NOW
    assert stack.world.run("SELECT * FROM ai_strategy_ml_models") == []


def test_pin_keeps_everything_as_it_is(stack: Stack, strategy: UUID) -> None:
    activated_v1(stack, strategy)
    stack.world.run(
        "UPDATE autoretrain.strategy_training SET pinned_version = 'v1', pinned_at = now()"
    )

    better = challenger(comparison(0.50, 0.65, against="v1"))
    published = stack.training.publish(stack.running(strategy), better, "k/2", NOW)

    assert not published.activated
    assert "pinned by hand to v1 since" in published.line
    assert active_models(stack) == ["v1"]


def test_approve_mode_lets_the_newest_better_challenger_wait(stack: Stack, strategy: UUID) -> None:
    activated_v1(stack, strategy)
    stack.world.run("UPDATE autoretrain.strategy_training SET activation_mode = 'approve'")

    for n in (2, 3):
        better = challenger(comparison(0.60, 0.65, against="v1"))
        stack.training.publish(stack.running(strategy), better, f"k/{n}", NOW)

    waiting = stack.world.run(
        "SELECT version FROM autoretrain.model_artifacts WHERE awaiting_approval"
    )
    assert [row.version for row in waiting] == ["v3"]
    assert active_models(stack) == ["v1"]
    topics = stack.world.run("SELECT topic FROM autoretrain.outbox ORDER BY id")
    assert [row.topic for row in topics][1:] == ["ApprovalPending", "ApprovalPending"]


def test_person_activates_what_cannot_be_judged(stack: Stack, strategy: UUID) -> None:
    activated_v1(stack, strategy)

    published = stack.training.publish(by_hand(stack, strategy), challenger(too_few()), "k/2", NOW)

    assert (published.outcome, published.activated) == ("not_judged", True)
    assert active_models(stack) == ["v2"]


def test_stale_champion_gives_way_under_if_not_worse(stack: Stack, strategy: UUID) -> None:
    activated_v1(stack, strategy)
    stack.world.run("UPDATE autoretrain.strategy_training SET activation_mode = 'if_not_worse'")
    slightly_worse = challenger(comparison(0.655, 0.65, against="v1", z=-0.5))

    fresh = stack.training.publish(stack.running(strategy), slightly_worse, "k/2", NOW)
    in_ten_days = NOW + timedelta(days=10)
    stale = stack.training.publish(stack.running(strategy), slightly_worse, "k/3", in_ten_days)

    assert (fresh.activated, stale.activated) == (False, True)


def test_publish_is_refused_behind_a_newer_attempt(stack: Stack, strategy: UUID) -> None:
    assignment = stack.running(strategy)
    stack.expire_lease(assignment.run_id)
    (lost,) = stack.dispatching.expired_runs()
    stack.dispatching.end_attempt(lost, Ending(Loss.LOST), expired_only=True)
    again = stack.training.begin(assignment.run_id, "task/2")
    assert again is not None

    with pytest.raises(RunTaken):
        stack.training.publish(assignment, challenger(), "k/late", NOW)
    with pytest.raises(RunTaken):
        stack.training.heartbeat(assignment, Progress("fitting"), 1.0)

    assert active_models(stack) == []
    assert stack.training.publish(again, challenger(), "k/again", NOW).activated


def test_publish_asks_for_another_judgement_when_the_champion_has_changed(
    stack: Stack, strategy: UUID
) -> None:
    activated_v1(stack, strategy)
    assignment = stack.running(strategy)
    stack.world.run("UPDATE autoretrain.strategy_training SET champion = NULL")

    with pytest.raises(ChampionChanged):
        stack.training.publish(assignment, challenger(), "k/2", NOW)

    refreshed = stack.training.refresh(assignment)
    assert refreshed.champion is None
    assert stack.training.publish(refreshed, challenger(), "k/2", NOW).version == "v2"


def test_publish_twice_at_once_publishes_once(own: Stack) -> None:
    strategy_id = own.world.strategy()
    own.world.trades(strategy_id, [1.0, -1.0] * 60)
    for n in range(1, 11):
        assignment = own.running(strategy_id, f"task/{n}")
        books = [own.training, own.training]
        start = Barrier(2)

        def publish(
            one: TrainBooks, assignment: Assignment = assignment, start: Barrier = start
        ) -> str:
            rival = assignment.champion.version if assignment.champion else BASE_RATE
            start.wait()
            try:
                better = challenger(comparison(0.6, 0.65, against=rival))
                return one.publish(assignment, better, "k", NOW).version or ""
            except RunTaken:
                return "taken"

        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(publish, books)) == ["taken", f"v{n}"]
        assert active_models(own) == [f"v{n}"]


def test_waiting_challenger_waits_no_more_when_another_goes_live(
    stack: Stack, strategy: UUID
) -> None:
    stack.world.run("UPDATE autoretrain.strategy_training SET activation_mode = 'approve'")
    stack.training.publish(stack.running(strategy), challenger(), "k/1", NOW)
    stack.world.run("UPDATE autoretrain.strategy_training SET activation_mode = 'if_better'")

    assert stack.training.publish(stack.running(strategy), challenger(), "k/2", NOW).activated

    waiting = stack.world.run(
        "SELECT version FROM autoretrain.model_artifacts WHERE awaiting_approval"
    )
    assert waiting == []


def test_users_own_active_version_is_named_as_not_compared_and_as_the_one_before(
    stack: Stack, strategy: UUID
) -> None:
    stack.world.run("UPDATE ai_strategies SET ml_model_version = 'v7'")

    published = activated_v1(stack, strategy)

    assert (published.version, published.previous_version) == ("v8", "v7")
    assert published.line.endswith("; not compared with v7")
    log = stack.world.one("SELECT * FROM autoretrain.model_activations")
    assert (log.version, log.previous_version) == ("v8", "v7")


def test_publish_finds_the_strategy_gone(stack: Stack, strategy: UUID) -> None:
    assignment = stack.running(strategy)
    stack.world.run("DELETE FROM ai_strategies")

    with pytest.raises(RunTaken):
        stack.training.publish(assignment, challenger(), "k", NOW)

    assert stack.world.run("SELECT * FROM ai_strategy_ml_models") == []


def test_version_goes_on_from_what_the_users_own_table_holds(stack: Stack, strategy: UUID) -> None:
    stack.world.run(
        "INSERT INTO ai_strategy_ml_models (strategy_id, version, is_active, training_samples)"
        " VALUES (%s, 'v7', true, 90), (%s, 'champion-2024', false, 80)",
        strategy,
        strategy,
    )

    assert activated_v1(stack, strategy).version == "v8"
    assert active_models(stack) == ["v8"]


def test_heartbeat_extends_the_lease_and_shows_the_progress(stack: Stack, strategy: UUID) -> None:
    assignment = stack.running(strategy)
    stack.expire_lease(assignment.run_id)

    stack.training.heartbeat(assignment, Progress("fitting", 12, 60), 3.5)

    assert stack.dispatching.expired_runs() == []
    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.phase, run.round, run.rounds, run.training_seconds) == ("fitting", 12, 60, 3.5)


def test_heartbeat_ends_after_the_longest_runtime(stack: Stack, strategy: UUID) -> None:
    assignment = stack.running(strategy)
    stack.world.run("UPDATE autoretrain.training_runs SET running_at = now() - interval '61 min'")

    with pytest.raises(RunTaken):
        stack.training.heartbeat(assignment, Progress("fitting"), 3660)


def test_rows_of_an_earlier_verdict_against_the_same_rival_are_counted(
    stack: Stack, strategy: UUID
) -> None:
    stack.world.trades(
        strategy, [1.0] * 10, first=NOW - timedelta(days=1), every=timedelta(hours=1)
    )
    activated_v1(stack, strategy)

    day = timedelta(days=1)
    against_base = stack.training.reused_rows(strategy, BASE_RATE, NOW - day, NOW)
    against_v1 = stack.training.reused_rows(strategy, "v1", NOW - day, NOW)

    assert (against_base, against_v1) == (10, 0)
