"""What 16 clients wait for when they ask the local stack for one strategy."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from statistics import median
from urllib.parse import urlsplit

from autoretrain_local.gateway.api import HttpApi
from autoretrain_local.gateway.environments import Environments, Handler
from autoretrain_local.stack import LocalStack
from autoretrain_local.template import FunctionPlan
from autoretrain_local.token_file import local_token
from bench.performance.rows import Pair, row
from bench.performance.scene import Scene, execute
from bench.performance.worlds import Market, strategy_ids

CLIENTS = 16
OWNER = "00000000-0000-0000-0000-000000000001"


class Stack(LocalStack):
    """Has an environment for every client, and throttles nobody."""

    def _api(self) -> HttpApi:
        plan = replace(self._plan.api, rate_per_second=1_000_000, burst=1_000_000)
        functions = {
            of.name: Environments(
                of.name, partial(self._handler, of), of.timeout_seconds, most=CLIENTS
            ).run
            for of in self._plans(of_api=True)
        }
        return HttpApi(plan, functions)


class ConstantStack(Stack):
    """The same, but that whatever people ask of it gets the same text."""

    told = ""

    def _handler(self, plan: FunctionPlan) -> Handler:
        if plan.name != "ApiFunction":
            return super()._handler(plan)
        headers = {"Content-Type": "application/json"}
        return lambda _event, _context: {"statusCode": 200, "headers": headers, "body": self.told}


@row(
    "api.strategy",
    "`GET /api/ai-strategies/{id}`, local stack, 16 clients, p50",
    "ms",
    "the same with a handler that returns a constant",
    3.0,
)
def _strategy(scene: Scene) -> Pair:
    market = Market(min(100, scene.sizes.strategies), 20_000)
    url = scene.database("people", market.fill)
    execute(url, "UPDATE public.ai_strategies SET user_id = %(owner)s", owner=OWNER)
    token = local_token(url, scene.data)
    path = f"/api/ai-strategies/{strategy_ids(url)[0]}"
    ours, constant = [], []
    for _ in range(min(3, scene.sizes.rounds)):
        with Stack(url, scene.data / "people", lambda _line: None) as stack:
            told = _get(stack.url, path, token)
            ours.append(_p50(scene, stack.url, path, token))
        ConstantStack.told = told
        with ConstantStack(url, scene.data / "people", lambda _line: None) as stack:
            constant.append(_p50(scene, stack.url, path, token))
    return Pair(1e3 * median(ours), 1e3 * median(constant))


def _p50(scene: Scene, url: str, path: str, token: str) -> float:
    """Seconds, once everybody has been answered a few times."""
    asked = scene.sizes.requests // CLIENTS
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda _: _ask(url, path, token, 4), range(CLIENTS)))
        taken = list(clients.map(lambda _: _ask(url, path, token, asked), range(CLIENTS)))
    return median(seconds for one in taken for seconds in one)


def _ask(url: str, path: str, token: str, times: int) -> list[float]:
    """A client that keeps its connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
        taken.append(time.perf_counter() - began)
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{answer.status}: {body[:300]!r}")
    connection.close()
    return taken


def _get(url: str, path: str, token: str) -> str:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    told = connection.getresponse().read().decode()
    json.loads(told)
    connection.close()
    return told
