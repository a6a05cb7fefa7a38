from __future__ import annotations

import os
import signal
from pathlib import Path
from threading import Event
from uuid import UUID

import psutil
import pytest

from autoretrain_local.facts import read_fact
from autoretrain_local.stack import LocalStack
from tests.world import World

FEATURES = 40


def add_trades(world: World, strategy_id: UUID, count: int) -> None:
    """The newest trades at the time: a large number gives fitting a middle to be killed in."""
    world.run(
        "INSERT INTO trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct, features)"
        " SELECT %s, 'BTC', 'long', now() - n * interval '1 s', now() - n * interval '1 s',"
        " random() - 0.5, (SELECT jsonb_object_agg('f' || k, random() + n * 0)"
        " FROM generate_series(1, %s) k) FROM generate_series(1, %s) n",
        strategy_id,
        FEATURES,
        count,
    )


def active(world: World) -> list[str]:
    found = world.run("SELECT version FROM ai_strategy_ml_models WHERE is_active")
    return [row.version for row in found]


def an_hour_passes(world: World, strategy_id: UUID) -> None:
    world.run("UPDATE autoretrain.training_runs SET slot = slot - interval '1 hour'")
    add_trades(world, strategy_id, 20_000)
    world.run("UPDATE ai_strategies SET ml_model_trained_at = now() - interval '8 days'")


def trainers() -> list[psutil.Process]:
    own = psutil.Process().children(recursive=True)
    return [one for one in own if "autoretrain_trainer" in one.cmdline()]


@pytest.mark.parametrize(
    ("how", "error_code"), [(signal.SIGKILL, "lost"), (signal.SIGTERM, "interrupted")]
)
def test_strategy_is_trained_by_a_later_tick_when_its_trainer_was_killed(
    clone: str, tmp_path: Path, how: signal.Signals, error_code: str
) -> None:
    world = World(clone)
    strategy_id = world.strategy("large")
    world.run("UPDATE autoretrain.strategy_training SET activation_mode = 'always'")
    add_trades(world, strategy_id, 200)
    fitting, lines = Event(), list[str]()

    def hear(line: str) -> None:
        lines.append(line)
        fact = read_fact(line)
        if fact and fact["message"] == "auto-retrain progress" and fact["phase"] == "fitting":
            fitting.set()

    with LocalStack(clone, tmp_path, hear) as stack:
        stack.tick()
        stack.settle()
        assert active(world) == ["v1"]
        an_hour_passes(world, strategy_id)
        fitting.clear()

        stack.tick()
        assert fitting.wait(60), lines
        (trainer,) = trainers()
        os.kill(trainer.pid, how)
        stack.settle()

        run = world.one("SELECT * FROM autoretrain.training_runs WHERE model_version IS NULL")
        assert (run.status, run.attempt, run.error_code) == ("queued", 2, error_code)
        assert active(world) == ["v1"]
        stack.tick()
        stack.settle()

    run = world.one("SELECT * FROM autoretrain.training_runs WHERE id = %s", run.id)
    assert (run.status, run.attempt, run.model_version) == ("succeeded", 2, "v2")
    assert active(world) == ["v2"]
