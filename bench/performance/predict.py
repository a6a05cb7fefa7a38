"""What a bot waits for: one prediction of `ActiveModel`, also while models come and go."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from statistics import median, quantiles
from threading import Event, Thread
from typing import Any

import numpy as np

from autoretrain.domain.json import Json
from autoretrain.domain.models import Artifact
from autoretrain_client import ActiveModel, Client
from autoretrain_trainer.fit import Course
from bench.performance.rows import Pair, row
from bench.performance.scene import Scene
from bench.performance.timing import each, interleaved
from bench.performance.worlds import FEATURES
from tests.unit.client.published import FakeApi, asked, learnt, trainers
from tests.unit.trainer.trade_stream import STRATEGY, Trade, loaded, market

TRADES = 1_000
CALLS = 50
SWAP_SECONDS = 0.05


@row(
    "predict.one",
    "`ActiveModel.predict`, one trade",
    "µs",
    "`Booster.predict`, a prepared row",
    1.2,
)
def _one(scene: Scene) -> Pair:
    api, published = FakeApi(), _published(0)
    api.activate("v1", published)
    given, booster = asked(_trades(0)[0]), trainers(published).booster
    prepared = np.zeros((1, booster.num_feature()))
    with _active(api) as model:
        taken = interleaved(
            max(1, scene.sizes.predictions // CALLS // 10),
            {
                "ours": each(CALLS, lambda: model.predict(**given)),
                "booster": each(CALLS, lambda: booster.predict(prepared, num_threads=1)),
            },
        )
    ours, booster_seconds = (median(taken[name]) / CALLS for name in ("ours", "booster"))
    return Pair(1e6 * ours, 1e6 * booster_seconds)


@row("predict.p99", "its 99th percentile while models are swapped", "µs", "its median", 3.0)
def _p99(scene: Scene) -> Pair:
    api, models = FakeApi(), [_published(seed) for seed in range(4)]
    api.activate("v0", models[0])
    given = asked(_trades(0)[0])
    with _active(api) as model:
        stopped = Event()
        swapper = Thread(target=partial(_swap, api, model, models, stopped))
        swapper.start()
        taken = [_seconds(model, given) for _ in range(scene.sizes.predictions)]
        stopped.set()
        swapper.join()
        swaps = int((model.status.version or "v0")[1:])
    cuts = quantiles(taken, n=100)
    return Pair(1e6 * cuts[98], 1e6 * cuts[49], f"{swaps} swaps, {len(taken):,} predictions")


def _trades(seed: int) -> list[Trade]:
    """Trades of as many features as all else here has."""
    drawn = np.random.default_rng(seed)
    return [
        replace(trade, features={f"feature_{n:02}": drawn.normal() for n in range(FEATURES)})
        for trade in market(TRADES, seed=seed)
    ]


def _published(seed: int) -> Artifact:
    """What a training of these trades publishes, of the size that it has."""
    trades = loaded(_trades(seed))
    model = Course.of(trades, {}).fit(trades, lambda _round, _rounds: None)
    inputs: list[Any] = [column.to_json() for column in model.inputs]
    described: Json = {"file": "model.txt", "sha256": model.sha256, "bytes": len(model.text)}
    return Artifact(model.text, learnt().manifest | {"inputs": inputs, "model": described})


def _active(api: FakeApi) -> ActiveModel:
    client = Client(api.api, "arp_bench", transport=api.transport())
    return ActiveModel(client, STRATEGY, poll_seconds=3600, transport=api.transport(), require=True)


def _swap(api: FakeApi, model: ActiveModel, models: Any, stopped: Event) -> None:
    number = 0
    while not stopped.wait(SWAP_SECONDS):
        number += 1
        api.activate(f"v{number}", models[number % len(models)])
        model.refresh()


def _seconds(model: ActiveModel, given: Any) -> float:
    began = time.perf_counter()
    model.predict(**given)
    return time.perf_counter() - began
