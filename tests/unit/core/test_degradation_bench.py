from __future__ import annotations

import numpy as np
import pytest

from autoretrain.domain.degradation import Calls, Record, examine
from bench.degradation import RULES, SPREAD, Floats, Runs, first_alarms, one_accuracy

LIVES = 4


def record_of(runs: Runs, life: int) -> Record:
    def calls(right: Floats, wrong: Floats) -> tuple[Calls, ...]:
        counted = zip(right[life], right[life] + wrong[life], strict=True)
        return tuple(Calls(n, int(trades), int(of)) for n, (of, trades) in enumerate(counted))

    blocks = zip(runs.right, runs.wrong, strict=True)
    live = tuple(calls(right, wrong) for right, wrong in blocks)
    return Record(calls(runs.judged_right, runs.judged_wrong), live)


@pytest.mark.parametrize("judged", [3, 60])
def test_bench_measures_the_statistic_that_the_product_computes(judged: int) -> None:
    rng = np.random.default_rng(3)
    runs = Runs.begin(SPREAD, judged, LIVES, rng)
    for _ in range(130):
        runs.add(rng.choice(4, LIVES, p=SPREAD.shares), rng.random(LIVES) < 0.5)

    product = [examine(record_of(runs, life)).evidence for life in range(LIVES)]

    assert runs.evidence() == pytest.approx(product)


def test_bench_notes_the_first_alarm_of_every_rule() -> None:
    alarms = first_alarms(
        one_accuracy(0.6), 150, 200, LIVES, np.random.default_rng(3), drop=0.2, drop_from=100
    )

    assert set(alarms) == set(RULES)
    assert all(((first > 100) & (first < 160)).any() for first in alarms.values())
