"""The trainer as a function, on the local stack: real Postgres, real training."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest

from autoretrain.errors import BadSetting
from autoretrain_local.account import BUCKET
from autoretrain_trainer import on_lambda
from tests.functions.conftest import Running, event


@dataclass
class Context:
    """Lambda's, with so much time left."""

    seconds: float = 900.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@pytest.fixture
def running(running: Running) -> Running:
    """Nothing is left of another test's environment."""
    on_lambda.working.cache_clear()
    on_lambda.wishes.cache_clear()
    return running


def train(given: dict[str, Any], seconds: float = 900.0) -> Any:
    return on_lambda.handler(given, Context(seconds))  # type: ignore[arg-type]


def predictable(running: Running, strategy: UUID, count: int = 400) -> None:
    """Trades whose outcome a feature tells four times out of five."""
    chance = random.Random(5)
    signals = [chance.uniform(-1, 1) for _ in range(count)]
    pnl = [math.copysign(1.0, x if chance.random() < 0.8 else -x) for x in signals]
    features = [{"momentum": round(x, 3)} for x in signals]
    running.world.trades(strategy, pnl, features=features)


def queued_run(running: Running, strategy: UUID, status: str = "queued") -> UUID:
    run_id = uuid4()
    running.world.run(
        "INSERT INTO autoretrain.training_runs (id, strategy_id, user_id, status, fence, reason,"
        " lease_expires_at) VALUES (%s, %s, gen_random_uuid(), %s, 0, 'test',"
        " CASE WHEN %s <> 'queued' THEN now() + interval '1 min' END)",
        run_id,
        strategy,
        status,
        status,
    )
    return run_id


def test_sample_event_trains_a_model_and_activates_it(running: Running) -> None:
    sample = event("training_run")
    strategy = running.world.strategy(sample["strategy"])
    predictable(running, strategy)

    answer = train(sample)

    (run,) = running.runs(strategy)
    assert (run.status, run.manual, run.reason) == ("succeeded", True, "asked for by hand")
    model = running.world.one("SELECT * FROM ai_strategy_ml_models")
    assert model.is_active
    assert running.world.one("SELECT * FROM ai_strategies").ml_model_version == model.version
    assert boto3.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"]
    (training,) = answer["trainings"]
    assert training["said"].startswith(f"{model.version} is active: ")
    assert (training["strategy"], training["run_id"]) == ("momentum", str(run.id))
    assert answer["said"] == "the queue is worked down"


def test_strategy_that_the_hourly_check_leaves_alone_is_trained_all_the_same(
    running: Running,
) -> None:
    strategy = running.due("off")
    running.world.run("UPDATE ai_strategies SET is_active = false")
    running.world.run("DELETE FROM autoretrain.strategy_training")

    train({"strategy": str(strategy)})

    assert [run.status for run in running.runs(strategy)] == ["succeeded"]


def test_strategy_whose_name_others_have_too_is_named_by_its_id(running: Running) -> None:
    strategy, other = running.due("momentum"), running.due("momentum")

    with pytest.raises(BadSetting, match="2 strategies are called momentum"):
        train({"strategy": "momentum"})
    train({"strategy": str(strategy)})

    assert [run.status for run in running.runs(strategy)] == ["succeeded"]
    assert running.runs(other) == []


def test_run_that_waits_is_taken_not_doubled_and_so_is_the_rest_of_the_queue(
    running: Running,
) -> None:
    strategy, other = running.due("due"), running.due("other", count=20)
    waiting = queued_run(running, strategy)
    queued_run(running, other)

    answer = train({"strategy": str(strategy)})

    assert [run.id for run in running.runs(strategy)] == [waiting]
    assert [one["strategy"] for one in answer["trainings"]] == ["due", "other"]
    assert answer["trainings"][1]["said"] == "no model: 20 of 100 usable closed trades"
    assert answer["said"] == "a training is already on its way: it is queued"


def test_run_of_another_trainer_is_left_to_it(running: Running) -> None:
    strategy = running.due("due")
    queued_run(running, strategy, "running")

    answer = train({"strategy": str(strategy)})

    assert answer == {
        "said": "a training is already on its way: it is running",
        "trainings": [],
    }


def test_run_whose_trainer_is_gone_is_taken_over(running: Running) -> None:
    strategy = running.due("due")
    lost = queued_run(running, strategy, "running")
    running.world.run(
        "UPDATE autoretrain.training_runs SET lease_expires_at = now() - interval '1 s'"
    )

    train({"strategy": str(strategy)})

    assert [(run.id, run.status) for run in running.runs(strategy)] == [(lost, "succeeded")]


def test_named_run_comes_first(running: Running) -> None:
    first, named = running.due("first", count=20), running.due("named", count=20)
    queued_run(running, first)
    run_id = queued_run(running, named)

    answer = train({"run_id": str(run_id)})

    assert [one["strategy"] for one in answer["trainings"]] == ["named", "first"]


def test_event_that_names_nothing_finds_an_empty_queue(running: Running) -> None:
    assert train({}) == {"said": "nothing is queued", "trainings": []}


def test_run_that_lambda_has_no_time_for_stays_in_the_queue(running: Running) -> None:
    strategy = running.due("due")

    answer = train({"strategy": str(strategy)}, seconds=on_lambda.GIVE_BACK_SECONDS)

    assert [run.status for run in running.runs(strategy)] == ["queued"]
    assert answer["said"] == on_lambda.TOO_LATE


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"strategy": str(uuid4())}, "name one of yours in the event"),
        ({"strategy": "momentum"}, "no strategies are called momentum: name one by its id"),
        ({"strategy": 7}, "strategy of the event must be an id or a name"),
        ({"strategy": "a\0b"}, "strategy of the event must be an id or a name"),
        ({"run_id": None}, "run_id of the event must be an id, a UUID"),
    ],
)
def test_event_that_cannot_be_meant_is_refused_in_words(
    running: Running, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadSetting, match=words):
        train(given)
