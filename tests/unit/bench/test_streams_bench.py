from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoretrain_trainer.recipe import SHORT_MEMORY_ROWS, Recipe
from bench import memories
from bench.logs import Case, cases
from bench.recipes import SHIPPED, compare, tell
from bench.streams import CHANCE, JUMP_EVERY, JUMP_SOONER, Row, agrawal_jumps, jumping, write


def stream() -> Iterator[Row]:
    """Won where x is above a half."""
    for number in itertools.count():
        x = number * 0.618 % 1
        yield {"x": x, "y": number * 0.377 % 1}, int(x > 0.5)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    write(stream(), tmp_path / "halves.csv.gz", 1_400)
    (only,) = cases(tmp_path, None)
    return only


def test_stream_is_written_as_a_log_with_an_hour_per_trade_and_some_chance(case: Case) -> None:
    log = case.log

    assert (log.strategy, log.features, len(log)) == ("halves", ("x_x", "x_y"), 1_400)
    assert set(np.diff(log.decided_at)) == {3_600_000_000}
    assert (log.closed_at - log.decided_at == 3_600_000_000).all()
    wrong = (log.values[:, 0] > 0.5) != (log.pnl_pct > 0)
    assert wrong.mean() == pytest.approx(CHANCE / 2, abs=0.03)


def test_agrawal_takes_another_rule_after_so_many_trades() -> None:
    class Synth:
        def Agrawal(self, classification_function: int, seed: int) -> Iterator[Row]:  # noqa: N802 -- river's
            return itertools.repeat(({"rule": classification_function}, seed))

    rules = [features["rule"] for features, _ in agrawal_jumps(Synth())]

    assert rules == [rule for rule in range(10) for _ in range(JUMP_EVERY)]


def test_rule_jumps_after_so_many_trades() -> None:
    rules = [
        features["rule"]
        for features, _ in jumping(itertools.repeat(({"rule": n}, 0)) for n in (3, 1))
    ]

    assert rules == [3] * JUMP_SOONER + [1] * JUMP_SOONER


def test_short_memories_are_told_apart_and_the_shipped_one_is_marked(case: Case) -> None:
    lines = [
        line.strip("| ").split(" | ") for line in memories.compare(case, (200, SHORT_MEMORY_ROWS))
    ]

    assert [line[:2] for line in lines] == [
        ["halves", "200"],
        ["halves", f"**{SHORT_MEMORY_ROWS}**"],
    ]
    assert all(0.7 < float(line[2]) < 1 for line in lines)


def test_recipe_is_asked_only_about_trades_after_those_it_was_fitted_on(case: Case) -> None:
    told = tell(case.rows, Recipe(5, 4, 0.5, 20, 1.0), memory=400, every=100)
    late = case.rows.win.copy()
    late[900:] = ~late[900:]
    again = tell(replace(case.rows, win=late), Recipe(5, 4, 0.5, 20, 1.0), memory=400, every=100)

    assert len(told.probability) == 1_000
    assert (told.probability[:500] == again.probability[:500]).all()
    assert (told.probability[600:] != again.probability[600:]).any()


def test_recipes_are_compared_with_the_shipped_one(case: Case) -> None:
    asked = {SHIPPED: Recipe(20, 4, 0.3, 20, 1.0), "worse": Recipe(1, 2, 0.01, 200, 1.0)}

    shipped, worse = (line.strip("| ").split(" | ") for line in compare(case, asked, 400, 100))

    assert (shipped[:2], worse[:2]) == (["halves", SHIPPED], ["halves", "worse"])
    assert float(shipped[2]) > 0.75
    assert float(shipped[3]) < float(worse[3])
    assert float(worse[4]) < -2
