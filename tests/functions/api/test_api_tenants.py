from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.rows import row
from tests.functions.api.conftest import UNKNOWN, Site, Tenant

CONTRACT = json.loads(
    (Path(__file__).parents[3] / "functions" / "api" / "openapi.json").read_text()
)
BODIES: dict[str, Any] = {
    "changeSettings": {"new_trades_threshold": 999},
    "trainStrategy": {"strategy_id": "{strategy}"},
    "trainStrategyByHand": {"strategy_id": "{strategy}"},
}
# They name nothing that could be somebody else's.
OWN_ONLY = {"listStrategies", "listTokens", "createToken"}


def routes() -> Iterator[Any]:
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            if "security" in operation:
                name = operation["operationId"]
                yield pytest.param(method.upper(), path, name, id=name)


ROUTES = [route for route in routes() if route.id not in OWN_ONLY]
READS = [route for route in ROUTES if route.values[0] == "GET"]


def ask(tenant: Tenant, method: str, path: str, name: str, ids: dict[str, str]) -> Any:
    kind = "run" if "/training-runs/{" in path else "token" if "/tokens/" in path else "strategy"
    filled = path.replace("{id}", ids[kind]).replace("{version}", ids["version"])
    body = json.dumps(BODIES.get(name, {})).replace("{strategy}", ids["strategy"])
    content = body if method in ("POST", "PATCH") else None
    return tenant.http.request(method, filled, content=content)


def everything(site: Site) -> list[Any]:
    tables = (
        "ai_strategies",
        "autoretrain.strategy_training",
        "autoretrain.training_runs",
        "autoretrain.model_artifacts",
        "autoretrain.model_activations",
        "autoretrain.current_decisions",
    )
    rows = [site.world.run(f"SELECT t::text FROM {table} t ORDER BY 1") for table in tables]
    tokens = site.world.run("SELECT id, revoked_at, expires_at FROM autoretrain.api_tokens")
    return [*rows, sorted(tokens)]


@pytest.mark.parametrize(("method", "path", "name"), ROUTES)
@row("B2")
def test_nothing_of_another_tenant_is_read_or_changed(
    site: Site, method: str, path: str, name: str
) -> None:
    before = everything(site)

    theirs = ask(site.stranger, method, path, name, site.owner.ids())
    unknown = dict.fromkeys(("strategy", "run"), str(UNKNOWN))
    nobody_s = ask(
        site.stranger, method, path, name, unknown | {"token": "zzzz9999", "version": "v1"}
    )

    told = [answer.json()["error"] | {"request_id": ""} for answer in (theirs, nobody_s)]
    assert theirs.status_code == nobody_s.status_code == 404
    assert told[0] == told[1]
    assert everything(site) == before


@pytest.mark.parametrize("path", ["/api/ai-strategies", "/api/tokens"])
@row("B2")
def test_a_list_holds_what_is_the_caller_s(site: Site, path: str) -> None:
    for mine, theirs in ((site.owner, site.stranger), (site.stranger, site.owner)):
        told = mine.http.get(path).text

        assert mine.ids()["strategy" if "strategies" in path else "token"] in told
        assert not [known for known in theirs.ids().values() if len(known) > 2 and known in told]


@pytest.mark.parametrize(("method", "path", "name"), READS)
def test_the_owner_gets_what_the_stranger_did_not(
    site: Site, method: str, path: str, name: str
) -> None:
    told = ask(site.owner, method, path, name, site.owner.ids())

    assert told.status_code == 200, told.text
