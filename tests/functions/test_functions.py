from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import boto3
import pytest

from autoretrain_local.account import BUCKET, CONDITION_CHECK, DISPATCHER, TASK_STOPPED
from autoretrain_local.ecs_endpoint import Failure, LostAnswer
from autoretrain_local.ecs_rules import Refusal
from autoretrain_local.ecs_state import IMAGE_MISSING, OUT_OF_MEMORY, Stop
from tests.functions.conftest import Running, event, now

SPOT = Stop("SpotInterruption", "Your Spot Task was interrupted.", exit_code=143)


def check(running: Running, *strategies: UUID) -> Any:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    ids = [str(strategy) for strategy in strategies]
    return running.invoke(CONDITION_CHECK, {"strategy_ids": ids, "slot": hour.isoformat()})


def settled(running: Running, strategy: UUID) -> Any:
    running.stack.settle()
    (run,) = running.runs(strategy)
    return run


@pytest.mark.parametrize("name", ["scheduled", "stack_created"])
def test_dispatcher_fans_one_slot_out_however_often_it_is_told(running: Running, name: str) -> None:
    due = running.due("due")
    running.world.strategy("inactive", is_active=False)
    running.world.strategy("disabled", ml_training_enabled=False)
    tick = event(name) | {"time": now()}

    for _ in range(3):
        assert running.invoke(DISPATCHER, tick)["checking"] == 1
    run = settled(running, due)

    assert (run.status, run.slot.minute) == ("succeeded", 0)
    assert {fact["strategies"] for fact in running.facts("auto-retrain check started")} == {1}
    decisions = running.facts("auto-retrain decision")
    assert {fact["strategy_id"] for fact in decisions} == {str(due)}


def test_tick_that_a_person_sends_is_for_this_hour(running: Running) -> None:
    before = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    told = running.invoke(DISPATCHER, {"time": "now"})
    assert before <= datetime.fromisoformat(told["slot"]) <= datetime.now(UTC)


def test_condition_check_decides_claims_and_launches(running: Running) -> None:
    given = event("condition_check")
    due = running.due("due", strategy_id=UUID(given["strategy_ids"][0]))

    answer = running.invoke(CONDITION_CHECK, given)

    assert answer == {"checked": 1, "stale": False}
    run = settled(running, due)
    assert (run.slot.minute, run.slot.second) == (0, 0)
    assert run.slot <= run.queued_at
    (decision,) = running.facts("auto-retrain decision")
    assert decision["reason"] == "initial training: 100+ trades, no model yet"
    assert decision["run_id"] == str(run.id)
    assert set(decision["conditions"]) == {
        "initial_training",
        "new_trades",
        "performance_degradation",
        "weekly_schedule",
    }
    (launch,) = running.facts("auto-retrain launch")
    assert (launch["outcome"], launch["run_id"]) == ("launched", str(run.id))


def test_condition_check_drops_an_event_that_is_hours_old(running: Running) -> None:
    given = event("condition_check")
    due = running.due("due", strategy_id=UUID(given["strategy_ids"][0]))

    answer = running.invoke(CONDITION_CHECK, given | {"slot": "2026-01-05T09:00:00Z"})

    assert answer == {"checked": 0, "stale": True}
    assert running.runs(due) == []
    assert len(running.facts("auto-retrain stale event dropped")) == 1


def test_condition_check_of_a_strategy_that_nobody_has_checks_nothing(running: Running) -> None:
    running.due("due")
    answer = running.invoke(CONDITION_CHECK, event("condition_check"))
    assert answer == {"checked": 0, "stale": False}


def test_condition_check_takes_a_list_of_strategies(running: Running) -> None:
    due, few = running.due("due"), running.due("few", count=20)

    assert check(running, due, few)["checked"] == 2

    outcomes = {
        fact["strategy"]: fact["outcome"] for fact in running.facts("auto-retrain decision")
    }
    assert outcomes == {"due": "initial_training", "few": "too_few_trades"}


@pytest.mark.parametrize(
    ("answer", "status", "attempt", "outcome"),
    [
        pytest.param(Failure("RESOURCE:MEMORY"), "queued", 2, "unavailable", id="capacity"),
        pytest.param(LostAnswer(), "succeeded", 1, "launched", id="answer lost, asked again"),
        pytest.param(
            Refusal("AccessDeniedException", "no ecs:RunTask"), "failed", 1, "refused", id="denied"
        ),
        pytest.param(
            Refusal("ClientException", "You've reached the limit on the number of vCPUs"),
            "queued",
            2,
            "unavailable",
            id="limit",
        ),
        pytest.param(
            Refusal("SomethingNew", "never heard of"), "queued", 2, "unavailable", id="new error"
        ),
    ],
)
def test_launch_outcome_is_told_and_kept(
    running: Running, answer: Any, status: str, attempt: int, outcome: str
) -> None:
    due = running.due("due")
    running.stack.ecs.script(answer)

    check(running, due)

    run = settled(running, due)
    assert (run.status, run.attempt) == (status, attempt)
    (launch,) = running.facts("auto-retrain launch")
    assert launch["outcome"] == outcome


@pytest.mark.parametrize(
    ("stop", "status", "error_code"),
    [
        pytest.param(OUT_OF_MEMORY, "failed", "out_of_memory", id="out of memory"),
        pytest.param(SPOT, "queued", "interrupted", id="spot"),
        pytest.param(IMAGE_MISSING, "queued", "lost", id="never started"),
    ],
)
def test_stopped_task_ends_its_run_at_once_with_the_reason(
    running: Running, stop: Stop, status: str, error_code: str
) -> None:
    due = running.due("due")
    running.stack.ecs.script(stop)

    check(running, due)

    run = settled(running, due)
    assert (run.status, run.error_code) == (status, error_code)
    (told,) = running.facts("auto-retrain run ended with its task")
    assert (told["run_id"], told["status"]) == (str(run.id), status)


@pytest.mark.parametrize(
    ("name", "status", "error_code"),
    [
        pytest.param("task_stopped_oom", "failed", "out_of_memory", id="out of memory"),
        pytest.param("task_stopped_interrupted", "queued", "interrupted", id="spot"),
        pytest.param("task_stopped_never_started", "queued", "lost", id="never started"),
        pytest.param("task_stopped_success", "queued", "lost", id="ended, run still live"),
    ],
)
def test_task_stopped_understands_every_sample_event(
    running: Running, name: str, status: str, error_code: str
) -> None:
    strategy = running.due("due")
    given = event(name)
    running.world.run(
        "INSERT INTO autoretrain.training_runs (id, strategy_id, user_id, status, fence, reason,"
        " lease_expires_at, task_arn) VALUES (gen_random_uuid(), %s, gen_random_uuid(),"
        " 'running', 0, 'test', now() + interval '1 min', %s)",
        strategy,
        given["detail"]["taskArn"],
    )

    assert running.invoke(TASK_STOPPED, given) == {"ended": 1}
    assert running.invoke(TASK_STOPPED, given) == {"ended": 0}

    (run,) = running.runs(strategy)
    assert (run.status, run.error_code) == (status, error_code)


def test_task_stopped_reads_the_trainer_not_a_sidecar(running: Running) -> None:
    strategy = running.due("due")
    running.stack.ecs.script(SPOT)
    check(running, strategy)
    running.stack.settle()
    given = event("task_stopped_oom")
    given["detail"]["containers"].insert(0, {"name": "guard", "exitCode": 0})
    running.world.run(
        "UPDATE autoretrain.training_runs SET status = 'running', task_arn = %s,"
        " lease_expires_at = now() + interval '1 min'",
        given["detail"]["taskArn"],
    )

    running.invoke(TASK_STOPPED, given)

    (run,) = running.runs(strategy)
    assert (run.status, run.error_code) == ("failed", "out_of_memory")


def test_tick_frees_a_lost_run_and_launches_it_again(running: Running) -> None:
    due = running.due("due")
    running.stack.ecs.script(LostAnswer(), LostAnswer(), LostAnswer(), LostAnswer(), LostAnswer())
    check(running, due)
    running.stack.settle()
    running.world.run(
        "UPDATE autoretrain.training_runs SET status = 'running', finished_at = NULL,"
        " lease_expires_at = now() - interval '1 s'"
    )

    running.invoke(DISPATCHER, event("scheduled"))

    run = settled(running, due)
    assert (run.status, run.attempt) == ("succeeded", 2)
    (freed,) = running.facts("auto-retrain lost run")
    assert (freed["run_id"], freed["status"]) == (str(run.id), "queued")


def test_paused_strategy_is_told_at_every_tick(running: Running) -> None:
    paused = running.due("paused")
    running.world.run("UPDATE autoretrain.strategy_training SET paused_reason = 'five failures'")

    running.invoke(DISPATCHER, event("scheduled"))

    (fact,) = running.facts("auto-retrain strategy paused")
    assert (fact["strategy_id"], fact["why"]) == (str(paused), "five failures")
    assert running.runs(paused) == []


def test_next_tick_tells_what_came_of_the_one_before(running: Running) -> None:
    due = running.due("due")
    running.invoke(DISPATCHER, event("scheduled"))
    running.stack.settle()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    running.invoke(DISPATCHER, event("scheduled") | {"time": later})

    (complete,) = running.facts("auto-retrain check complete")
    assert (complete["retrained"], complete["skipped"]) == (1, 0)
    assert complete["activated"] + complete["kept"] == 1
    assert len(running.runs(due)) == 1


def test_finished_training_leaves_model_and_manifest_under_an_immutable_key(
    running: Running,
) -> None:
    due = running.due("due")
    check(running, due)
    run = settled(running, due)

    artifact = running.world.one("SELECT * FROM autoretrain.model_artifacts")
    assert artifact.artifact_key == (
        f"models/{run.user_id}/{due}/{run.id}/{artifact.manifest_sha256[:16]}"
    )
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert sorted(item["Key"] for item in listed) == [
        f"{artifact.artifact_key}/manifest.json",
        f"{artifact.artifact_key}/memories.json",
        f"{artifact.artifact_key}/model.txt",
        f"{artifact.artifact_key}/report.json",
    ]
