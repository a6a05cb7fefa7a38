"""The learning recipe beside river's forest, read from what `make bench-learning` has left."""

from __future__ import annotations

import json
from functools import partial
from statistics import fmean
from typing import Any

from bench.performance.rows import NotMeasured, Pair, row
from bench.performance.scene import Scene

LOGS = ("bb_squeeze", "donchian_breakout", "macd_cross", "rsi_meanrev", "synthetic_flip")
FOREST, OURS = "arf10", "if_better"


def _of_log(log: str) -> None:
    @row(f"learning.{log}", f"learning on {log}, CPU", "s", "river's ARF, 10 trees", 2.5)
    def cpu(scene: Scene) -> Pair:
        return _pair(scene, log, "cpu_seconds")

    @row(f"learning.{log}_auc", "its 1 - AUC", "", "river's ARF, 10 trees", 1.0)
    def auc(scene: Scene) -> Pair:
        pair = _pair(scene, log, "roc_auc")
        return Pair(1 - pair.ours, 1 - pair.reference)


for _log in LOGS:
    _of_log(_log)


def _pair(scene: Scene, log: str, figure: str) -> Pair:
    lines = scene.once("learning", partial(_lines, scene))
    told = {
        line["policy"]: fmean(run[figure] for run in line["runs"])
        for line in lines
        if line["log"].removeprefix("trades_") == log
    }
    if not {FOREST, OURS} <= told.keys():
        raise NotMeasured(f"{scene.learning} does not tell of {log}")
    return Pair(told[OURS], told[FOREST])


def _lines(scene: Scene) -> list[Any]:
    if not scene.learning.exists():
        raise NotMeasured(f"{scene.learning} is not there: `make bench-learning` writes it")
    lines: list[Any] = json.loads(scene.learning.read_text("utf-8"))
    return lines
