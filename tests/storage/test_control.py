from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from autoretrain.domain.work import Progress
from autoretrain.errors import Conflict, Invalid, RunCancelled, Unknown
from autoretrain.ports import ChampionChanged
from autoretrain.services.check import Checker
from autoretrain.services.launch import Launcher
from autoretrain.storage.control import Control
from tests.fakes import FakeCluster
from tests.lessons import challenger, comparison
from tests.storage.conftest import Stack
from tests.world import NOW, USER

SOMEBODY = uuid4()


@pytest.fixture
def strategy(stack: Stack) -> UUID:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, -1.0] * 60)
    return strategy_id


def control(stack: Stack) -> Control:
    return Control(stack.database())


def trained(stack: Stack, strategy: UUID, against: str | None = None, **rules: Any) -> str:
    """Train and publish a better challenger; returns its version."""
    evidence = comparison(0.60, 0.65, against=against) if against else comparison(0.60, 0.69)
    published = stack.training.publish(
        stack.running(strategy), challenger(evidence), f"k/{uuid4()}", NOW
    )
    assert published.version is not None
    return published.version


def books(stack: Stack) -> Any:
    return stack.world.one("SELECT * FROM autoretrain.strategy_training")


def log(stack: Stack) -> list[tuple[str, str | None, UUID | None, str]]:
    rows = stack.world.run(
        "SELECT version, previous_version, activated_by, why FROM autoretrain.model_activations"
        " ORDER BY id"
    )
    return [tuple(row) for row in rows]


def test_roll_back_puts_the_old_version_live_everywhere_and_pins_it(
    stack: Stack, strategy: UUID
) -> None:
    trained(stack, strategy)
    was = stack.world.one("SELECT ml_model_performance AS p FROM ai_strategies").p
    trained(stack, strategy, "v1")
    stack.world.run(
        "UPDATE autoretrain.model_artifacts SET created_at = created_at + '1 h'"
        " WHERE version = 'v2'"
    )

    control(stack).activate(USER, strategy, "v1", force=False, why="v2 loses money")

    held = books(stack)
    assert (held.champion, held.pinned_version, held.pinned_by) == ("v1", "v1", USER)
    shown = stack.world.one("SELECT * FROM ai_strategies")
    assert (shown.ml_model_version, shown.ml_model_performance) == ("v1", was)
    active = stack.world.run("SELECT version FROM ai_strategy_ml_models WHERE is_active")
    assert [row.version for row in active] == ["v1"]
    assert log(stack)[-1] == ("v1", "v2", USER, "rolled back by hand: v2 loses money")
    note = stack.world.run("SELECT * FROM autoretrain.outbox ORDER BY id")[-1]
    assert (note.topic, note.payload["version"]) == ("ModelActivated", "v1")


def test_pinned_version_stays_active_through_ten_ticks_in_which_every_condition_fires(
    own: Stack,
) -> None:
    strategy = own.world.strategy()
    own.world.trades(strategy, [1.0, -1.0] * 60)
    trained(own, strategy)
    trained(own, strategy, "v1")
    control(own).activate(USER, strategy, "v1", force=False, why="")
    checker = Checker(own.checking, Launcher(own.launching, FakeCluster(), 5))

    for tick in range(10):
        # Losing trades, a training long ago: all that can fire on a trained strategy does.
        own.world.run("UPDATE ai_strategies SET ml_model_trained_at = now() - interval '8 days'")
        own.world.run("UPDATE autoretrain.strategy_training SET trades_read_at = NULL")
        own.world.trades(strategy, [-1.0] * 60, first=NOW - timedelta(days=5, minutes=tick))
        (checked,) = checker.check([strategy], NOW - timedelta(minutes=tick)) or []
        assert checked.decision is not None
        assert [one.name for one in checked.decision.conditions if one.fired] == [
            "new_trades", "performance_degradation", "weekly_schedule",
        ]  # fmt: skip
        run = own.world.one("SELECT id FROM autoretrain.training_runs WHERE status = 'starting'")
        assignment = own.training.begin(run.id, None)
        assert assignment is not None
        evidence = comparison(0.5, 0.69, against="v1")
        published = own.training.publish(assignment, challenger(evidence), f"k/{tick}", NOW)
        assert (published.activated, "pinned by hand to v1" in published.line) == (False, True)

    assert books(own).champion == "v1"
    control(own).unpin(USER, strategy)
    assert books(own).pinned_version is None
    assert trained(own, strategy, "v1") == books(own).champion


def test_activating_the_active_version_does_nothing_and_by_force_pins_it(
    stack: Stack, strategy: UUID
) -> None:
    trained(stack, strategy)
    before = log(stack)

    control(stack).activate(USER, strategy, "v1", force=False, why="")
    assert (books(stack).pinned_version, log(stack)) == (None, before)

    control(stack).activate(USER, strategy, "v1", force=True, why="holiday")
    control(stack).unpin(USER, strategy)
    control(stack).unpin(USER, strategy)
    assert log(stack)[len(before) :] == [
        ("v1", "v1", USER, "pinned by hand: holiday"),
        ("v1", "v1", USER, "unpinned by hand"),
    ]


def test_approving_twice_pins_nothing(stack: Stack, strategy: UUID) -> None:
    approve_mode(stack, strategy)
    for _ in range(2):
        control(stack).activate(USER, strategy, "v2", force=False, why="")

    assert (books(stack).champion, books(stack).pinned_version) == ("v2", None)


def approve_mode(stack: Stack, strategy: UUID) -> None:
    trained(stack, strategy)
    control(stack).change_settings(USER, strategy, {"activation_mode": "approve"})
    trained(stack, strategy, "v1")


def waiting(stack: Stack) -> list[str]:
    rows = stack.world.run(
        "SELECT version FROM autoretrain.model_artifacts WHERE awaiting_approval"
    )
    return [row.version for row in rows]


def test_approving_the_waiting_challenger_puts_it_live_and_does_not_pin(
    stack: Stack, strategy: UUID
) -> None:
    approve_mode(stack, strategy)
    assert (waiting(stack), books(stack).champion) == (["v2"], "v1")

    control(stack).activate(USER, strategy, "v2", force=False, why="")

    held = books(stack)
    assert (held.champion, held.pinned_version, waiting(stack)) == ("v2", None, [])
    assert log(stack)[-1] == ("v2", "v1", USER, "approved by hand")


def test_next_challenger_takes_the_place_of_the_one_that_waits(
    stack: Stack, strategy: UUID
) -> None:
    approve_mode(stack, strategy)

    trained(stack, strategy, "v1")

    assert waiting(stack) == ["v3"]


def test_approval_is_refused_once_the_champion_has_changed_unless_by_force(
    stack: Stack, strategy: UUID
) -> None:
    approve_mode(stack, strategy)
    stack.world.run("UPDATE autoretrain.model_artifacts SET rival = 'v0' WHERE version = 'v2'")

    with pytest.raises(Conflict, match="v2 was judged against v0, and v1 is active") as caught:
        control(stack).activate(USER, strategy, "v2", force=False, why="")
    assert (caught.value.code, books(stack).champion) == ("champion_changed", "v1")

    control(stack).activate(USER, strategy, "v2", force=True, why="")
    held = books(stack)
    assert (held.champion, held.pinned_version, waiting(stack)) == ("v2", "v2", [])


def test_approval_is_refused_while_another_version_is_pinned(stack: Stack, strategy: UUID) -> None:
    approve_mode(stack, strategy)
    control(stack).activate(USER, strategy, "v1", force=True, why="")

    with pytest.raises(Conflict, match="pinned to v1 by hand"):
        control(stack).activate(USER, strategy, "v2", force=False, why="")


def test_training_that_was_judged_against_another_champion_has_to_judge_again(
    own: Stack,
) -> None:
    strategy = own.world.strategy()
    own.world.trades(strategy, [1.0, -1.0] * 60)
    trained(own, strategy)
    trained(own, strategy, "v1")
    running = own.running(strategy)

    control(own).activate(USER, strategy, "v1", force=False, why="")

    with pytest.raises(ChampionChanged):
        own.training.publish(running, challenger(comparison(0.6, 0.65, "v2")), "k/3", NOW)


def test_version_without_a_stored_model_is_unknown(stack: Stack, strategy: UUID) -> None:
    with pytest.raises(Unknown, match="no such version"):
        control(stack).activate(USER, strategy, "v9", force=True, why="")


def test_queued_run_is_cancelled_at_once(stack: Stack, strategy: UUID) -> None:
    run_id = stack.queued(strategy)

    control(stack).cancel(USER, run_id)

    run = stack.world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.status, run.finished_at is not None) == ("cancelled", True)
    assert stack.training.begin(run_id, None) is None
    assert stack.training.begin_next(None) is None
    assert stack.queued(strategy) != run_id


def test_running_trainer_hears_of_the_cancel_at_its_next_heartbeat_and_publishes_nothing(
    stack: Stack, strategy: UUID
) -> None:
    running = stack.running(strategy)

    control(stack).cancel(USER, running.run_id)

    with pytest.raises(RunCancelled):
        stack.training.heartbeat(running, Progress("fitting"), 1.0)
    with pytest.raises(RunCancelled):
        stack.training.publish(running, challenger(), "k/1", NOW)
    assert books(stack).champion is None


def test_run_that_has_ended_cannot_be_cancelled_but_a_cancelled_one_can_again(
    stack: Stack, strategy: UUID
) -> None:
    cancelled = stack.queued(strategy)
    control(stack).cancel(USER, cancelled)
    control(stack).cancel(USER, cancelled)
    trained(stack, strategy)
    done = stack.world.one("SELECT id FROM autoretrain.training_runs WHERE status = 'succeeded'")

    with pytest.raises(Conflict) as caught:
        control(stack).cancel(USER, done.id)
    assert caught.value.code == "not_running"


def test_resume_forgets_what_failures_have_left(stack: Stack, strategy: UUID) -> None:
    stack.world.run(
        "UPDATE autoretrain.strategy_training SET paused_reason = 'x', failures = 5,"
        " next_eligible_at = now() + interval '8 hours'"
    )

    control(stack).resume(USER, strategy)

    held = books(stack)
    assert (held.paused_reason, held.failures) == (None, 0)
    assert stack.claim(strategy)


SETTINGS: dict[str, Any] = {
    "activation_mode": "approve",
    "degradation_rule": "ratio",
    "new_trades_threshold": 7,
    "degradation_ratio": 0.5,
    "degradation_window": 60,
    "degradation_min_trades": 60,
    "max_age_days": 1.5,
    "model_max_age_days": 30.0,
    "feature_drift_psi": 0.25,
    "feature_weights": {"rsi": 1.2},
    "allowed_features": ["edge"],
}


def test_settings_are_changed_together_or_one_by_one(stack: Stack, strategy: UUID) -> None:
    control(stack).change_settings(USER, strategy, SETTINGS)
    held = books(stack)
    assert {name: getattr(held, name) for name in SETTINGS} == SETTINGS

    unset = {"model_max_age_days": None, "feature_drift_psi": None}
    control(stack).change_settings(USER, strategy, unset)
    held = books(stack)
    unlimited = SETTINGS | unset
    assert {name: getattr(held, name) for name in SETTINGS} == unlimited


def test_settings_of_the_users_own_table_are_written_there(stack: Stack, strategy: UUID) -> None:
    changes = {"ml_training_enabled": False, "ml_min_trades_for_training": 250}

    control(stack).change_settings(USER, strategy, changes)

    shown = stack.world.one("SELECT * FROM ai_strategies")
    assert (shown.ml_training_enabled, shown.ml_min_trades_for_training) == (False, 250)
    control(stack).change_settings(USER, strategy, {"ml_training_enabled": True})
    shown = stack.world.one("SELECT * FROM ai_strategies")
    assert (shown.ml_training_enabled, shown.ml_min_trades_for_training) == (True, 250)


def test_setting_that_the_users_table_does_not_take_is_a_conflict_and_changes_nothing(
    own: Stack,
) -> None:
    strategy = own.world.strategy()
    own.world.run("ALTER TABLE ai_strategies ADD CHECK (ml_min_trades_for_training < 500)")
    changes = {"ml_min_trades_for_training": 900, "new_trades_threshold": 7}

    with pytest.raises(Conflict, match="ai_strategies does not take") as caught:
        control(own).change_settings(USER, strategy, changes)

    assert caught.value.code == "not_writable"
    assert books(own).new_trades_threshold == 50


def test_settings_that_contradict_each_other_are_refused(stack: Stack, strategy: UUID) -> None:
    with pytest.raises(Invalid, match="must be at most degradation_window, which is 50"):
        control(stack).change_settings(USER, strategy, {"degradation_min_trades": 51})


def test_nothing_of_somebody_else_can_be_changed(stack: Stack, strategy: UUID) -> None:
    trained(stack, strategy)
    run_id = stack.queued(strategy)
    theirs = control(stack)

    with pytest.raises(Unknown, match="no such strategy"):
        theirs.activate(SOMEBODY, strategy, "v1", force=True, why="")
    with pytest.raises(Unknown, match="no such strategy"):
        theirs.unpin(SOMEBODY, strategy)
    with pytest.raises(Unknown, match="no such strategy"):
        theirs.resume(SOMEBODY, strategy)
    with pytest.raises(Unknown, match="no such strategy"):
        theirs.change_settings(SOMEBODY, strategy, {"ml_training_enabled": False})
    with pytest.raises(Unknown, match="no such run"):
        theirs.cancel(SOMEBODY, run_id)
    assert books(stack).pinned_version is None


def test_strategy_that_the_hourly_check_never_met_can_be_changed(own: Stack) -> None:
    strategy = own.world.strategy(ml_training_enabled=False)
    own.world.run("DELETE FROM autoretrain.strategy_training")

    control(own).change_settings(USER, strategy, {"ml_training_enabled": True})

    assert books(own).strategy_id == strategy


def test_weight_of_a_feature_that_no_trade_has_is_refused_where_it_is_given(
    stack: Stack, strategy: UUID
) -> None:
    with pytest.raises(Invalid, match="no macd, rsj; they have rsi"):
        control(stack).change_settings(
            USER, strategy, {"feature_weights": {"rsj": 1.2, "macd": 1.0, "side": 0.5}}
        )
    other = stack.world.strategy("without trades")
    control(stack).change_settings(USER, other, {"feature_weights": {"rsj": 1.2}})
