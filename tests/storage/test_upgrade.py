"""A database that an earlier version has worked in goes on with this one."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from autoretrain.storage import migrate as migrating
from autoretrain.storage.connection import connect
from autoretrain.storage.control import Control
from autoretrain.storage.migrate import migrate, migrations
from autoretrain.storage.reading import Reading
from tests.conftest import VIEWS
from tests.storage.conftest import Stack
from tests.world import NOW, USER

STRATEGY = UUID(int=5)
VERDICT = {
    "line": "log-loss 0.690 → 0.600",
    "outcome": "better",
    "judged_rows": 55,
    "log_loss_improvement": 0.09,
    "challenger": {"accuracy": 0.68, "roc_auc": None, "brier": 0.2},
    "champion": {"accuracy": 0.65},
}


@pytest.fixture(params=["tables", "views"])
def earlier(blank: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The first migration alone, with a strategy whose second model is live."""
    stack = Stack(blank)
    if request.param == "views":
        stack.world.run(VIEWS.read_text())
    first = migrations()[:1]
    with monkeypatch.context() as patched, closing(connect(blank)) as opened:
        patched.setattr(migrating, "migrations", lambda: first)
        migrate(opened)
    stack.world.strategy(id=STRATEGY, ml_model_version="v2")
    performance = json.dumps({"accuracy": 0.68, "win_rate": 0.55, "training_samples": 120})
    stack.world.run("UPDATE ai_strategies SET ml_model_performance = %s::jsonb", performance)
    for version in ("v1", "v2"):
        stored(stack, version)
    stack.world.run("UPDATE autoretrain.strategy_training SET champion = 'v2'")
    return stack


def stored(stack: Stack, version: str) -> None:
    stack.world.run(
        "INSERT INTO ai_strategy_ml_models (strategy_id, version, is_active, training_samples,"
        " created_at) VALUES (%s, %s, %s, 120, now())",
        *(STRATEGY, version, version == "v2"),
    )
    stack.world.run(
        "INSERT INTO autoretrain.model_artifacts (strategy_id, version, run_id, artifact_key,"
        " sha256, manifest_sha256, judged_sha256, refit_disagrees, data_cutoff, rival, verdict,"
        " awaiting_approval, below_base_rate, log_loss, created_at)"
        " VALUES (%s, %s, %s, 'k', %s, %s, %s, false, %s, 'base rate', %s::jsonb, false, false,"
        " 0.6, %s)",
        *(STRATEGY, version, uuid4(), *["0" * 64] * 3, NOW, json.dumps(VERDICT)),
        NOW - timedelta(hours=2 if version == "v1" else 1),
    )


def test_models_of_an_earlier_version_keep_what_they_are_worth(earlier: Stack) -> None:
    with closing(connect(earlier.url)) as opened:
        migrate(opened)
    reading, control = Reading(earlier.database()), Control(earlier.database())

    newer, older = reading.models(USER, STRATEGY, 9, None).items
    assert (newer.accuracy, newer.training_samples, newer.judged_rows) == (0.68, 120, 55)
    assert newer.improvement == pytest.approx(0.03)
    assert (older.training_samples, older.roc_auc) == (120, None)
    assert reading.active_model(USER, STRATEGY).base_rate == 0.55
    control.activate(USER, STRATEGY, "v1", force=False, why="")
    shown = earlier.world.one("SELECT * FROM ai_strategies").ml_model_performance
    assert (shown["accuracy"], shown["training_samples"]) == (0.68, 120)
    earlier.close()


def test_training_that_an_earlier_version_has_begun_is_published(earlier: Stack) -> None:
    with closing(connect(earlier.url)) as opened:
        migrate(opened)

    stored(earlier, "v3")

    newest = Reading(earlier.database()).model(USER, STRATEGY, "v3")
    assert (newest.version, newest.accuracy) == ("v3", None)
    earlier.close()
