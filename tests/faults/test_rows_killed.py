from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import pytest

from autoretrain.domain.runs import KILLED, RUNNING_LEASE, STARTING_LEASE, TERMINATED
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.database import TRAINER
from autoretrain.storage.training import TrainBooks
from autoretrain_trainer.learner import LightGBMLearner
from tests.faults.doomed import CHECKPOINTS, exit_code_of
from tests.faults.figures import Figures
from tests.faults.loop import MINUTE, Loop
from tests.faults.rows import row

SECOND = timedelta(seconds=1)
IMAGE = "sha256:" + "c" * 64
Doomed = Callable[[Any, str, signal.Signals], int]


@pytest.fixture
def passed(tmp_path: Path) -> Path:
    return tmp_path / "passed"


@pytest.fixture
def doomed(loop: Loop, bucket: str, passed: Path) -> Doomed:
    """Train the run in a process of its own that ends so at that checkpoint."""
    secret = boto3.client("secretsmanager").create_secret(
        Name=bucket, SecretString=json.dumps({"url": loop.bench.url})
    )

    def train(run: Any, end: str, how: signal.Signals) -> int:
        names = ("PATH", "HOME", "NO_PROXY", "no_proxy")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        environment |= {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
        environment |= {
            "DATABASE_SECRET_ARN": secret["ARN"],
            "MODEL_BUCKET": bucket,
            "RUN_ID": str(run.id),
            "ECS_CONTAINER_METADATA_URI_V4": loop.metadata_of(run.task_arn),
            "OMP_NUM_THREADS": "1",
        }
        return exit_code_of(environment, end, how, passed)

    return train


def due(loop: Loop) -> UUID:
    strategy_id = loop.world.strategy()
    loop.world.run("UPDATE autoretrain.strategy_training SET activation_mode = 'always'")
    loop.world.trades(strategy_id, [1.0, -1.0, -1.0] * 40)
    return strategy_id


def train_to_the_end(loop: Loop, run_id: UUID) -> None:
    learner = LightGBMLearner(TrainBooks(loop.database(TRAINER)), loop.artifacts)
    loop.train(run_id, learner=learner)


@row("F38")
def test_training_comes_by_every_checkpoint_and_notes_the_image_that_it_runs_on(
    loop: Loop, doomed: Doomed, passed: Path
) -> None:
    strategy_id = due(loop)
    loop.deploy(IMAGE)
    loop.check(strategy_id)

    assert doomed(loop.run(strategy_id), "none", signal.SIGTERM) == 0

    assert tuple(passed.read_text().splitlines()) == CHECKPOINTS
    run = loop.run(strategy_id)
    assert (run.status, run.image) == ("succeeded", IMAGE)


@row("F15")
@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_trainer_that_is_asked_to_stop_gives_its_run_back_or_has_finished_it(
    loop: Loop, doomed: Doomed, checkpoint: str
) -> None:
    strategy_id = due(loop)
    loop.check(strategy_id)

    exit_code = doomed(loop.run(strategy_id), checkpoint, signal.SIGTERM)

    assert exit_code == TERMINATED
    loop.look()
    run = loop.run(strategy_id)
    if run.status == "queued":
        assert (run.attempt, run.error_code, loop.active(strategy_id)) == (2, "interrupted", [])
        train_to_the_end(loop, run.id)
    assert loop.run(strategy_id).status == "succeeded"
    assert loop.active(strategy_id) == ["v1"]


@row("F16", "F22")
@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_trainer_that_is_killed_loses_its_lease_and_the_run_is_trained_again(
    loop: Loop, doomed: Doomed, checkpoint: str
) -> None:
    strategy_id = due(loop)
    loop.check(strategy_id)

    exit_code = doomed(loop.run(strategy_id), checkpoint, signal.SIGKILL)

    assert exit_code == KILLED
    loop.look()
    finished = checkpoint == "after publish"
    assert loop.active(strategy_id) == (["v1"] if finished else [])
    begun = checkpoint != "before begin"
    loop.ecs.close()  # the task is gone with it, and nobody is told
    loop.pass_by((RUNNING_LEASE if begun else STARTING_LEASE) + SECOND)
    loop.dispatch()
    run = loop.run(strategy_id)
    if not finished:
        assert (run.status, run.attempt, run.error_code) == ("queued", 2, "lost")
        train_to_the_end(loop, run.id)
    assert loop.run(strategy_id).status == "succeeded"
    assert loop.active(strategy_id) == ["v1"]


@row("F16")
def test_third_loss_in_a_row_is_the_strategys_failure(loop: Loop) -> None:
    strategy_id = loop.due()
    loop.tick()
    for _ in range(3):
        run = loop.run(strategy_id)
        TrainBooks(loop.database(TRAINER)).begin(run.id, run.task_arn)
        loop.pass_by(RUNNING_LEASE + MINUTE)
        loop.tick()

    run = loop.run(strategy_id)
    assert (run.status, run.error_code) == ("failed", "lost")
    held = loop.world.one("SELECT * FROM autoretrain.strategy_training")
    assert held.failures == 1


@row("F16")
def test_killed_trainers_strategy_is_trained_again_one_lease_and_one_tick_later(
    loop: Loop, figures: Figures
) -> None:
    strategy_id, clock = loop.due(), DatabaseClock(loop.database())
    before = clock.now()
    assignment = loop.begun(strategy_id)
    after = clock.now()

    loop.pass_by(RUNNING_LEASE - 20 * SECOND)
    held = timedelta()
    while True:
        asked = clock.now() - after + loop.passed
        if loop.dispatch().freed:
            break
        held = asked
        loop.pass_by(SECOND)
    silent = clock.now() - before + loop.passed
    assert held < RUNNING_LEASE <= silent

    loop.tick()
    run = loop.run(strategy_id)
    assert (run.status, run.attempt) == ("starting", 2)
    loop.train(assignment.run_id, run.task_arn)
    assert loop.active(strategy_id) == ["v1"]
    figures.recovery_seconds = int(silent.total_seconds())


@row("F16")
def test_run_of_a_killed_trainer_whose_end_is_told_is_free_at_once(loop: Loop) -> None:
    strategy_id = loop.due()
    loop.begun(strategy_id)
    loop.kill(loop.run(strategy_id).task_arn)

    loop.deliver_all()

    run = loop.run(strategy_id)
    assert (run.status, run.attempt, run.error_code) == ("queued", 2, "lost")
    loop.tick()  # in the same minute
    assert loop.run(strategy_id).status == "starting"
