from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.faults.figures import Figures
from tests.faults.soak import Soak, soak_on
from tests.faults.soak_figures import SoakFigures

STRATEGIES = 200
DAYS = {"short": 3, "long": 90}
CALM_HOURS = {"short": 12, "long": 24 * 8}
NOTIFICATIONS_KEPT = timedelta(days=30)
FORGOTTEN_WITHIN = timedelta(days=1)
"""It is the last thing that a tick does: where three tries of it fail, the next one has to."""
FORGOTTEN_BY_A_TICK = 10_000
"""Decisions, at most."""
SEED = 7
TABLES = ("runs", "models", "activations", "current_decisions", "decisions", "notifications")


@pytest.fixture
def soak(clone: str) -> Iterator[Soak]:
    with soak_on(clone, STRATEGIES, SEED) as started:
        yield started


def test_nobody_is_left_behind_and_no_table_grows_for_ever_in_a_cloud_that_fails(
    soak: Soak, figures: Figures, fault_profile: str
) -> None:
    for _ in range(24 * DAYS[fault_profile]):
        soak.hour()
        tables_are_bounded(soak)
    soak.faults_stop()
    latest = everybody_due_is_trained(soak, CALM_HOURS[fault_profile])
    figures.soak = counted(soak, latest)
    assert 0.01 < soak.luck.failed.total() / soak.luck.calls.total() < 0.03
    assert soak.happened["trainers killed"] > 0

    soak.time.pass_by(timedelta(days=401))
    for _ in range(figures.soak.rows["decisions"] // FORGOTTEN_BY_A_TICK + 1):
        soak.hour()
    tables_are_bounded(soak)
    assert soak.sizes()["decisions"] < figures.soak.rows["decisions"]


def tables_are_bounded(soak: Soak) -> None:
    sizes = soak.sizes()
    assert sizes["current_decisions"] <= STRATEGIES
    assert sizes["stale_decisions"] == 0
    oldest = sizes["oldest_notification"]
    assert oldest is None or soak.time.now - oldest < NOTIFICATIONS_KEPT + FORGOTTEN_WITHIN


def everybody_due_is_trained(soak: Soak, hours: int) -> int:
    """In how many ticks after becoming due, at most."""
    since: dict[UUID, datetime] = {}
    latest = 0
    for _ in range(hours):
        soak.hour_begins()
        now = soak.time.now
        # Who is not due any more without a training has failed too often, and rests.
        since = {one: since.get(one, now) for one in soak.bots.due(now)}
        soak.tick()
        for strategy_id in soak.bots.trained_since(since):
            ticks = (soak.time.now - since.pop(strategy_id)) // timedelta(hours=1) + 1
            latest = max(latest, ticks)
        late = [one for one, at in since.items() if soak.time.now - at >= timedelta(hours=1)]
        assert late == [], "due for two ticks, and not trained"
    return latest


def counted(soak: Soak, ticks_to_train: int) -> SoakFigures:
    sizes = soak.sizes()
    return SoakFigures(
        strategies=STRATEGIES,
        ticks=soak.hours,
        trainings=soak.happened["Finished"],
        calls=dict(soak.luck.calls),
        failed=dict(soak.luck.failed),
        invocations_failed=soak.happened["invocations that failed"],
        trainers_killed=soak.happened["trainers killed"],
        runs_lost=sizes["attempts_lost"],
        ticks_to_train=ticks_to_train,
        rows={name: sizes[name] for name in TABLES},
    )
