"""The whole stack with the built console, and the people who have strategies there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from autoretrain_client import Client
from autoretrain_local.account import SignIn
from autoretrain_local.first_token import create
from autoretrain_local.stack import LocalStack
from autoretrain_local.template import read_plan
from tests.console.supabase import ANON_KEY, Project, supabase
from tests.signers import JWT_SECRET
from tests.world import NOW, World

PATIENCE_SECONDS = 240
ENOUGH = 160
_A_MONTH_AGO = NOW - timedelta(days=30)


@dataclass
class Person:
    """Somebody with strategies of their own; `token` is all that the console needs of them."""

    url: str
    world: World
    user_id: UUID = field(default_factory=uuid4)
    strategies: dict[str, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.token = create(self.world.url, self.user_id, "a test")

    def strategy(self, name: str, trades: int = ENOUGH, **settings: Any) -> UUID:
        """A strategy with an edge to be learned, and its settings as the API would change them."""
        made = self.world.strategy(name, user_id=self.user_id)
        if trades:
            self.trade(made, trades)
        if settings:
            with Client(self.url, self.token) as client:
                client.change_settings(made, settings)
        return made

    def trade(self, strategy_id: UUID, count: int, **options: Any) -> None:
        """Trades win when their edge is high, with noise."""
        edges, noise = np.random.default_rng(11).normal(size=(2, count))
        pnl_pcts = np.where(edges + 0.7 * noise > 0, 1.0, -1.0).tolist()
        features = [{"edge": edge, "hour": n % 24} for n, edge in enumerate(edges.tolist())]
        self.world.trades(strategy_id, pnl_pcts, features=features, **options)

    def train(self, strategy_id: UUID) -> str:
        """A version, trained by hand."""
        with Client(self.url, self.token) as client:
            asked = client.train(strategy_id, wait_seconds=PATIENCE_SECONDS)
        assert asked.model is not None, asked
        return asked.model.version

    def veteran(self, name: str) -> UUID:
        """A strategy that has been trained twice: v2 is live."""
        made = self.strategy(name, activation_mode="always")
        assert self.train(made) == "v1"
        self.trade(made, ENOUGH, first=_A_MONTH_AGO)
        assert self.train(made) == "v2"
        return made

    def settle_in(self) -> None:
        """A strategy in every state, one of them with two versions."""
        self.strategies["momentum"] = self.veteran("momentum")
        self.strategies["young"] = self.strategy("young", trades=40)
        self.strategies["disabled"] = self.strategy("disabled", ml_training_enabled=False)
        self.strategies["paused"] = self.strategy("paused", trades=0)
        self.world.run(
            "UPDATE autoretrain.strategy_training SET paused_reason = %s WHERE strategy_id = %s",
            "3 trainings in a row have failed",
            self.strategies["paused"],
        )
        with Client(self.url, self.token) as client:
            for name in ("momentum", "young"):
                client.check(self.strategies[name])


@dataclass(frozen=True)
class Site:
    """The API's address, its database, and where people sign in."""

    url: str
    world: World
    project: Project

    def person(self, user_id: UUID | None = None) -> Person:
        return Person(self.url, self.world, user_id or uuid4())


@contextmanager
def site_on(database_url: str, data: Path) -> Iterator[Site]:
    """API Gateway would remember for a minute whom it has let in; here it asks every time."""
    plan = read_plan()
    forgetful = replace(plan, api=replace(plan.api, reauthorize_seconds=0))
    with supabase() as project:
        sign_in = SignIn(project.issuer, "authenticated", JWT_SECRET, ANON_KEY)
        hear = list[str]().append
        with LocalStack(database_url, data, hear, forgetful, sign_in=sign_in) as stack:
            yield Site(stack.url, World(database_url), project)
