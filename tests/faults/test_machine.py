from __future__ import annotations

from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings

from autoretrain.errors import RunTaken
from tests.faults.bench import Bench
from tests.faults.cluster import Task
from tests.faults.figures import HAPPENS
from tests.faults.machine import play
from tests.faults.play import Play
from tests.world import USER

STEPS = {"short": 5_000, "long": 200_000}
OFTEN = 20
ROUND = settings(
    max_examples=112,
    stateful_step_count=50,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)


def test_no_rule_of_the_books_breaks_whoever_acts_and_whatever_fails(
    bench: Bench, fault_profile: str
) -> None:
    for number in count():
        play(bench, ROUND, number)
        if bench.figures.steps >= STEPS[fault_profile]:
            break

    assert [what for what in HAPPENS if bench.figures.seen[what] < OFTEN] == []


def test_trainer_whose_run_was_lost_while_it_judged_again_is_refused(bench: Bench) -> None:
    game = Play(bench)
    (strategy, *_) = game.strategies
    for _ in range(2):
        game.publish(begun(game, strategy))
    slow = begun(game, strategy)
    game.control.activate(USER, strategy, "v1", force=True, why="")
    game.in_a_task(slow, game.publish)
    assert slow.outdated
    game.pass_by(timedelta(minutes=3))
    begun(game, strategy)

    with pytest.raises(RunTaken):
        game.judge_again(slow)


def begun(game: Play, strategy_id: UUID) -> Task:
    """Somebody asks for a training, and its trainer begins."""
    game.ask(strategy_id, manual=True)
    task = game.cluster.tasks[-1]
    game.begin(task)
    return task
