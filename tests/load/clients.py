"""Bots and people at the API, in a process of their own, each waiting for its answer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from random import Random

import httpx

from tests.load.market import Client

NO_ANSWER = 599
RAMP_SECONDS = 20.0
_STRATEGY = "/api/ai-strategies/{id}"
# How often of a hundred times, what, and with which body.
_HABITS: list[tuple[int, str, str, dict[str, object] | None]] = [
    (78, "GET", f"{_STRATEGY}/active-model", None),
    (6, "GET", _STRATEGY, None),
    (4, "GET", f"{_STRATEGY}/models", None),
    (3, "GET", f"{_STRATEGY}/decisions", None),
    (3, "GET", f"{_STRATEGY}/training-runs", None),
    (2, "POST", f"{_STRATEGY}/models/v1/activate", {}),
    (2, "POST", f"{_STRATEGY}/models/v2/activate", {}),
    (1, "POST", f"{_STRATEGY}/unpin", None),
    (1, "POST", "/train-strategy", {"strategy_id": "{id}"}),
]


@dataclass
class Calls:
    """How many answers there were by what was asked and status, how long each took, and after how
    many seconds the server failed."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    errors_at: list[float] = field(default_factory=list)

    def add(self, other: Calls) -> None:
        self.answers += other.answers
        self.seconds += other.seconds
        self.errors_at += other.errors_at

    @property
    def server_errors(self) -> dict[str, int]:
        return {
            f"{status} {what}": count
            for (what, status), count in sorted(self.answers.items())
            if status >= httpx.codes.INTERNAL_SERVER_ERROR
        }

    @property
    def rollbacks(self) -> int:
        return sum(
            count
            for (what, status), count in self.answers.items()
            if "activate" in what and status == httpx.codes.OK
        )

    def percentile_ms(self, share: float) -> int:
        ordered = sorted(self.seconds)
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def call_for(url: str, clients: Sequence[Client], seconds: float, per_second: float) -> Calls:
    """All clients together make about so many calls a second; they come one after another."""
    pause = len(clients) / per_second
    total = Calls()
    with ThreadPoolExecutor(len(clients)) as pool:
        one = partial(_one, url, seconds, pause, len(clients))
        for calls in pool.map(one, clients, range(len(clients))):
            total.add(calls)
    return total


def _one(
    url: str, seconds: float, pause: float, clients: int, client: Client, number: int
) -> Calls:
    random, calls = Random(number), Calls()
    ends = time.monotonic() + seconds
    time.sleep(min(RAMP_SECONDS, seconds / 4) * number / clients)
    headers = {"Authorization": f"Bearer {client.token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        while time.monotonic() < ends:
            if _call(http, client, random, calls) >= httpx.codes.INTERNAL_SERVER_ERROR:
                calls.errors_at.append(seconds - (ends - time.monotonic()))
            time.sleep(random.expovariate(1 / pause))
    return calls


def _call(http: httpx.Client, client: Client, random: Random, calls: Calls) -> int:
    """The status of the answer."""
    ((_, method, path, body),) = random.choices(_HABITS, [habit[0] for habit in _HABITS])
    sent = None if body is None else dict.fromkeys(body, client.strategy_id)
    begun = time.monotonic()
    try:
        answer = http.request(method, path.format(id=client.strategy_id), json=sent)
        status = answer.status_code
    except httpx.HTTPError:
        status = NO_ANSWER
    calls.seconds.append(time.monotonic() - begun)
    calls.answers[f"{method} {path}", status] += 1
    return status
