from __future__ import annotations

import os
import signal
from pathlib import Path
from threading import Event
from uuid import UUID

import numpy as np
import psutil
import pytest

from autoretrain_local.facts import read_fact
from autoretrain_local.stack import LocalStack
from tests.world import World

ROWS, FEATURES = 20_000, 40


def fill(world: World) -> UUID:
    """Enough rows that fitting takes a while: there is a middle to be killed in."""
    strategy_id = world.strategy("large")
    world.run(
        "INSERT INTO trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct, features)"
        " SELECT %s, 'BTC', 'long', now() - n * interval '1 min',"
        " now() - n * interval '1 min' + interval '30 s', random() - 0.5,"
        " (SELECT jsonb_object_agg('f' || k, random() + n * 0) FROM generate_series(1, %s) k)"
        " FROM generate_series(1, %s) n",
        strategy_id,
        FEATURES,
        ROWS,
    )
    return strategy_id


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
    strategy_id = fill(world)
    fitting, lines = Event(), list[str]()

    def hear(line: str) -> None:
        lines.append(line)
        fact = read_fact(line)
        if fact and fact["message"] == "auto-retrain progress" and fact["phase"] == "fitting":
            fitting.set()

    with LocalStack(clone, tmp_path, hear) as stack:
        stack.tick()
        assert fitting.wait(60), lines
        (trainer,) = trainers()
        os.kill(trainer.pid, how)
        stack.settle()
        run = world.one("SELECT * FROM autoretrain.training_runs")
        assert (run.status, run.attempt, run.error_code) == ("queued", 2, error_code)
        assert world.run("SELECT * FROM ai_strategy_ml_models") == []

        stack.tick()
        stack.settle()

    run = world.one("SELECT * FROM autoretrain.training_runs")
    assert (run.strategy_id, run.status, run.attempt) == (strategy_id, "succeeded", 2)
    assert world.one("SELECT version FROM ai_strategy_ml_models").version == "v1"
    assert np.isfinite(run.training_seconds)
