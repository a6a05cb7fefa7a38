"""One retrain in a warm trainer against its own fits, and many small ones in one trainer."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch
from uuid import UUID

import lightgbm as lgb
import numpy as np

from autoretrain.aws.artifacts import S3Artifacts
from autoretrain.services.train import Finished
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.database import TRAINER
from autoretrain_trainer.bootstrap import assemble
from autoretrain_trainer.fit import Course, fading
from autoretrain_trainer.inputs import SYMBOL, matrix
from autoretrain_trainer.recipe import LONG_MEMORY_ROWS, recipe_for
from autoretrain_trainer.rows import Trades
from bench.performance import load_once
from bench.performance.aws import Aws, aws
from bench.performance.processes import python
from bench.performance.rows import Pair, figure, row
from bench.performance.scene import Scene, ask, execute
from bench.performance.timing import seconds_of
from bench.performance.worlds import USER, add_featured

PURE = "LightGBM alone, every fit of the product on the same rows in memory"
SCRIPT = "a plain script, a fresh process per strategy, extrapolated"
BUCKET = "bench"
SMALLEST, LARGEST = 500, 2_000

_QUEUE = """
INSERT INTO autoretrain.training_runs (id, strategy_id, user_id, fence, reason, force, min_trades)
SELECT gen_random_uuid(), strategy_id, %(user)s, fence + 1, 'bench', true, %(min_trades)s
FROM autoretrain.strategy_training WHERE strategy_id = ANY(%(strategies)s::uuid[])
"""
_FENCE = """
UPDATE autoretrain.strategy_training SET fence = fence + 1
WHERE strategy_id = ANY(%(strategies)s::uuid[])
"""
# What has closed since the champion was fitted is what it can be judged on.
_AGE_CHAMPION = """
UPDATE autoretrain.model_artifacts SET data_cutoff = (
    SELECT decided_at FROM public.trades WHERE strategy_id = %(strategy)s
    ORDER BY decided_at DESC OFFSET %(fresh)s LIMIT 1
) WHERE strategy_id = %(strategy)s
"""


@dataclass(frozen=True, slots=True)
class Fit:
    """What one fit of the product was given."""

    columns: Any
    win: Any
    categorical: list[int]
    params: Any

    @classmethod
    def of(cls, course: Course, trades: Trades) -> Fit:
        return cls(
            matrix(trades, course.inputs, course.symbols),
            trades.win.astype(np.float64),
            [number for number, column in enumerate(course.inputs) if column == SYMBOL],
            course.params(len(trades)),
        )

    def again(self) -> None:
        recipe = recipe_for(len(self.win))
        data = lgb.Dataset(
            self.columns,
            self.win,
            weight=fading(len(self.win), recipe.half_life),
            categorical_feature=self.categorical,
            params=self.params,
        )
        booster = lgb.Booster(self.params, data)
        for _ in range(recipe.trees):
            booster.update()


def _of_size(place: int, target: float) -> None:
    told = ("1k", "10k", "100k")[place]

    @row(f"retrain.{told}", f"one retrain in a warm trainer, {told} rows", "s", PURE, target)
    def measure(scene: Scene) -> Pair:
        return _retrain(scene, scene.sizes.retrain_rows[place])


for _place, _target in enumerate((2.2, 2.0, 1.8)):
    _of_size(_place, _target)


@row("retrain.drain", "200 small strategies by one trainer process", "s", SCRIPT, 1 / 12)
def _drain(scene: Scene) -> Pair:
    size = scene.sizes
    url, strategies = _small_strategies(scene, size.drained)
    with aws({"url": url}) as server:
        _queue(url, strategies)
        settings = _settings(server)
        # Its own memory is told beside that of the script.
        drained = python("trainer", "autoretrain_trainer", environment=settings)
    ((left,),) = ask(
        url, "SELECT count(*) FROM autoretrain.training_runs WHERE status <> 'succeeded'"
    )
    if left:
        raise RuntimeError(f"{left} runs did not succeed:\n{drained.output[-3000:]}")
    path = {"PYTHONPATH": os.pathsep.join([str(Path.cwd()), str(scene.plain_path)])}
    asked = strategies[:: max(1, len(strategies) // size.scripts)][: size.scripts]
    plain = [
        python("plain script", "bench.performance.plain_script", url, one, environment=path)
        for one in asked
    ]
    return Pair(drained.seconds, median(one.seconds for one in plain) * len(strategies))


def _retrain(scene: Scene, rows: int) -> Pair:
    name = f"retrain_{rows}"
    made: list[str] = []
    url = scene.database(name, lambda url: made.append(add_featured(url, name, rows)))
    strategy = made[0]
    server = scene.entered(f"aws of {name}", partial(aws, {"url": url}))
    with patch.dict(os.environ, server.environment()):
        trainer = _trainer(scene, url)
        # The first model has no champion to beat; it is what warms the trainer up.
        _train(trainer, url, strategy)
        ours, pure, reading = [], [], []
        for _ in range(scene.sizes.rounds):
            execute(url, _AGE_CHAMPION, strategy=strategy, fresh=max(100, rows // 10))
            _queue(url, [strategy])
            with _listening() as heard:
                ours.append(seconds_of(lambda: _work(trainer)))
            fits = [Fit.of(*one) for one in heard]
            pure.append(sum(seconds_of(one.again) for one in fits))
            reading.append(load_once.ours(url, strategy, min(rows, LONG_MEMORY_ROWS)))
    told = f"{len(fits)} fits; its trades alone take {figure(median(reading))} s to read"
    return Pair(median(ours), median(pure), told)


def _trainer(scene: Scene, url: str) -> Any:
    working, pulse = scene.opened(url, TRAINER), scene.opened(url, TRAINER)
    clock = DatabaseClock(working)
    return assemble(working, pulse, S3Artifacts(BUCKET), clock, lambda *_: None)


def _train(trainer: Any, url: str, strategy: str) -> None:
    _queue(url, [strategy])
    _work(trainer)


def _work(trainer: Any) -> None:
    *_, ended = trainer.work(None, None, threading.Event())
    if not isinstance(ended, Finished) or ended.published.version is None:
        raise RuntimeError(f"no model was made: {ended}")


def _queue(url: str, strategies: list[str]) -> None:
    execute(url, _QUEUE, strategies=strategies, user=USER, min_trades=60)
    execute(url, _FENCE, strategies=strategies)


@contextmanager
def _listening() -> Iterator[list[tuple[Course, Trades]]]:
    """Every fit of the product, as it was asked for."""
    heard: list[tuple[Course, Trades]] = []
    asked = Course.fit

    def listen(course: Course, trades: Trades, report: Any) -> Any:
        heard.append((course, trades))
        return asked(course, trades, report)

    with patch.object(Course, "fit", listen):
        yield heard


def _small_strategies(scene: Scene, count: int) -> tuple[str, list[str]]:
    made: list[str] = []

    def fill(url: str) -> None:
        for place in range(count):
            rows = SMALLEST + (LARGEST - SMALLEST) * place // max(1, count - 1)
            made.append(add_featured(url, f"small {place}", rows))
        execute(url, "VACUUM ANALYZE")

    url = scene.database("small", fill)
    return url, [str(UUID(one)) for one in made]


def _settings(server: Aws) -> dict[str, str]:
    return server.environment() | {
        "DATABASE_SECRET_ARN": "bench",
        "MODEL_BUCKET": BUCKET,
        "POWERTOOLS_SERVICE_NAME": "auto-retrain",
        "POWERTOOLS_LOG_LEVEL": "WARNING",
        "OMP_NUM_THREADS": "1",
    }
