"""The API over HTTP: the local gateway, the real authorizer, the real handler, real Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from autoretrain_local import first_token
from autoretrain_local.account import SignIn
from autoretrain_local.postgres import PostgresServer
from autoretrain_local.stack import LocalStack
from autoretrain_local.template import read_plan
from tests.conftest import cloned
from tests.signers import ISSUER, JWT_SECRET
from tests.world import USER, World

STRANGER = UUID("00000000-0000-0000-0000-0000000000bb")
UNKNOWN = UUID("00000000-0000-0000-0000-0000000000cc")
PATIENCE_SECONDS = 60
USED_KEY = "once"


@dataclass
class Tenant:
    """A user with a token, a strategy, and a training that has given a model."""

    user_id: UUID
    http: httpx.Client
    token: str
    strategy_id: UUID
    run_id: UUID
    version: str

    @property
    def token_id(self) -> str:
        return self.token.split("_")[1]

    def ids(self) -> dict[str, str]:
        return {
            "strategy": str(self.strategy_id),
            "run": str(self.run_id),
            "token": self.token_id,
            "version": self.version,
        }


@dataclass
class Site:
    """The running API of two tenants, and what it logged."""

    url: str
    world: World
    owner: Tenant
    stranger: Tenant
    lines: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def site(
    postgres: PostgresServer, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    lines: list[str] = []
    for url in cloned(postgres, templates["tables"]):
        sign_in = SignIn(ISSUER, jwt_secret=JWT_SECRET)
        data = tmp_path_factory.mktemp("stack")
        with LocalStack(url, data, lines.append, _unthrottled(), sign_in=sign_in) as up:
            world = World(url)
            owner, stranger = (tenant(up.url, world, user) for user in (USER, STRANGER))
            yield Site(up.url, world, owner, stranger, lines)
            owner.http.close()
            stranger.http.close()


def _unthrottled() -> Any:
    plan = read_plan()
    return replace(plan, api=replace(plan.api, rate_per_second=1e6, burst=1_000_000))


def tenant(url: str, world: World, user_id: UUID) -> Tenant:
    token = first_token.create(world.url, user_id, "test")
    http = httpx.Client(base_url=url, headers=bearer(token), timeout=PATIENCE_SECONDS)
    strategy_id = world.strategy(f"of {user_id}", user_id=user_id)
    world.trades(strategy_id, [1.0, -1.0] * 60)
    asked = http.post(
        "/train-strategy",
        json={"strategy_id": str(strategy_id)},
        headers={"Prefer": "wait=25", "Idempotency-Key": USED_KEY},
    )
    told = asked.json()
    assert asked.status_code == 200, told
    run = told["training_run"]
    return Tenant(user_id, http, token, strategy_id, UUID(run["id"]), told["model"]["version"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
