"""The page on bringing your own tables: its statements, run as they stand, carry a training."""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2
import pytest

from autoretrain.domain.conditions import decide
from autoretrain.services.train import Finished
from autoretrain.storage.connection import connect
from autoretrain.storage.control import Control
from autoretrain.storage.migrate import Migrated, migrate
from autoretrain_local.doctor.examination import examine
from autoretrain_local.doctor.findings import State
from tests.fakes import FakeArtifacts
from tests.storage.conftest import Stack
from tests.trainers import learning_trainer
from tests.world import NOW, USER, World

PAGE = Path(__file__).parents[2] / "docs" / "own-tables.md"
WHAT_THE_BOT_HAS, *MAPPING, LOOK = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
STRATEGY = UUID(int=7)
OWNER = "project_owner"
BROKEN_SIGNALS = ["not JSON", '{"rsi": NaN}', '{"text": "\\u0000"}', "", "[1]"]


@pytest.fixture
def bot(blank: str) -> World:
    """A Supabase project, whose owner is no superuser, with a bot that has traded."""
    administrator, world = World(blank), World(blank.replace("postgres@", f"{OWNER}@"))
    for role, rights in ((OWNER, "LOGIN CREATEROLE"), ("anon", ""), ("authenticated", "")):
        administrator.run(
            f"DO $$ BEGIN CREATE ROLE {role} {rights};"
            " EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
    administrator.run(
        f"GRANT CREATE ON DATABASE {blank.rpartition('/')[2]} TO {OWNER};"
        f" GRANT CREATE ON SCHEMA public TO {OWNER};"
        f" GRANT autoretrain_api, autoretrain_trainer, autoretrain_reader TO {OWNER};"
        f" ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public"
        "   GRANT ALL ON TABLES TO anon, authenticated"
    )
    world.run(WHAT_THE_BOT_HAS)
    world.run("INSERT INTO bot_strategies (name) VALUES ('momentum'), ('idle')")
    world.run("INSERT INTO strategy_ids VALUES ('momentum', %s, %s)", STRATEGY, USER)
    trade(world)
    return world


def trade(world: World) -> None:
    """Positions that win when the signal is strong, with noise; and one that is still open."""
    chance = random.Random(5)
    positions = [position(n, chance.gauss(0, 1), chance) for n in range(200)]
    for broken, written in zip(positions, BROKEN_SIGNALS, strict=False):
        broken["signals"] = written
    still_open = position(200, 0.0, chance) | {"exited_at": None, "outcome": None, "profit": None}
    world.run(
        "INSERT INTO positions (strategy, pair, direction, opened_at, exited_at, outcome, profit,"
        " signals) SELECT 'momentum', 'BTC/USDT', given.* FROM jsonb_to_recordset(%s) AS given ("
        "direction text, opened_at timestamptz, exited_at timestamptz, outcome text,"
        " profit numeric, signals text)",
        json.dumps([*positions, still_open]),
    )


def position(n: int, strength: float, chance: random.Random) -> dict[str, Any]:
    won = chance.gauss(strength, 1) > 0
    opened = NOW - timedelta(days=20) + timedelta(hours=2 * n)
    return {
        "direction": ("BUY", "SELL")[n % 2],
        "opened_at": opened.isoformat(),
        "exited_at": (opened + timedelta(minutes=30)).isoformat(),
        "outcome": "WIN" if won else "LOSS",
        "profit": 0.012 if won else -0.011,
        "signals": json.dumps({"strength": strength, "noise": chance.gauss(0, 1)}),
    }


@pytest.fixture
def mapped(bot: World) -> Iterator[Stack]:
    """The same with the page's views, migrated."""
    for statements in MAPPING:
        bot.run(statements)
    with closing(connect(bot.url)) as opened:
        migrated = migrate(opened)
    assert (bool(migrated.applied), migrated.warnings) == (True, ())
    assert wrong(bot) == []
    stack = Stack(bot.url)
    stack.dispatching.enrol_strategies()
    yield stack
    stack.close()


def wrong(bot: World) -> list[str]:
    return [found.check for found in examine(bot.url) if found.state is not State.GOOD]


def test_views_show_the_trades_as_a_training_wants_them(mapped: Stack) -> None:
    trades = mapped.world.run("SELECT * FROM autoretrain.trades ORDER BY decided_at")

    assert {trade.strategy_id for trade in trades} == {STRATEGY}
    assert {trade.pnl_pct for trade in trades} == {1.2, -1.1, None}
    assert {(trade.win, trade.pnl_pct) for trade in trades} == {
        (True, 1.2),
        (False, -1.1),
        (None, None),
    }
    assert [trade.features for trade in trades[:5]] == [None, None, None, None, [1]]
    assert trades[5].features.keys() == {"strength", "noise"}


def test_mapped_trades_are_checked_trained_and_told_in_the_bots_own_table(mapped: Stack) -> None:
    snapshot = mapped.snapshot(STRATEGY)
    decision = decide(snapshot, snapshot.policy)
    assert (decision.should_retrain, decision.outcome) == (True, "initial_training")
    assert (snapshot.name, snapshot.user_id, snapshot.total_trades) == ("momentum", USER, 100)

    trainer = learning_trainer(mapped.training, FakeArtifacts(), NOW)
    _, ended = trainer.work(mapped.starting(STRATEGY), "task/1", threading.Event())

    assert isinstance(ended, Finished)
    assert (ended.published.version, ended.published.activated) == ("v1", True)
    assert ended.published.rows is not None
    assert dict(ended.published.rows.dropped) == {}
    idle, momentum = sorted(mapped.world.run(LOOK))
    assert (momentum.model_version, momentum.model_trained_at) == ("v1", NOW)
    assert 0.5 < float(momentum.accuracy) <= 1
    assert idle.model_version is None
    assert not decide(mapped.snapshot(STRATEGY), snapshot.policy).should_retrain


def test_owners_settings_reach_the_bots_own_table(mapped: Stack) -> None:
    Control(mapped.database()).change_settings(
        USER, STRATEGY, {"ml_min_trades_for_training": 300, "ml_training_enabled": False}
    )

    momentum = mapped.world.one("SELECT * FROM bot_strategies WHERE name = 'momentum'")
    assert (momentum.min_trades, momentum.learns) == (300, False)


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_nobody_else_reads_or_writes_through_the_views(
    mapped: Stack, blank: str, role: str
) -> None:
    administrator = World(blank)
    for statement in (
        "SELECT * FROM public.trades",
        "SELECT * FROM public.ai_strategies",
        "UPDATE public.ai_strategies SET ml_model_version = 'theirs'",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            administrator.run(f"SET LOCAL ROLE {role}; {statement}")
    mine = (
        "INSERT INTO public.ai_strategy_ml_models (strategy_id, version, training_samples)"
        " VALUES (gen_random_uuid(), 'v1', 1)"
    )
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        administrator.run(f"SET LOCAL ROLE {role}; {mine}")
    mapped.world.run(mine)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        administrator.run(f"SET LOCAL ROLE {role}; SELECT * FROM ai_strategy_ml_models")


def test_page_maps_where_supabases_roles_are_absent(bot: World) -> None:
    for statements in MAPPING:
        bot.run(re.sub(r"\b(anon|authenticated)\b", r"absent_\1", statements))

    assert len(bot.run("SELECT * FROM trades")) == 201


def test_page_maps_again_without_a_change(mapped: Stack) -> None:
    with closing(connect(mapped.url)) as opened:
        assert migrate(opened) == Migrated((), ())
