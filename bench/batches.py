"""Baselines that train LightGBM, as it comes, anew on the trades of a window."""

from __future__ import annotations

from collections.abc import Callable

import lightgbm as lgb
import numpy as np

from bench.forecasting import DAY, FIRST_TRADES, Bools, Floats, Ints, Rows

WEEK = 7 * DAY
NAIVE_WINDOW, NAIVE_NEW, NAIVE_RECENT, NAIVE_LEAST_RECENT = 1_000, 50, 50, 20
NAIVE_RATIO, NAIVE_HOLDOUT, NAIVE_HOLDOUT_ROWS = 0.9, 0.2, (50, 500)
_BLOCK_TRADES = 128

Model = Callable[[Floats], Floats]
"""Win probabilities of rows of inputs."""


class _Batch:
    """Serves one LightGBM model at a time, asked in blocks as a bot's service would."""

    def __init__(self, rows: Rows, _seed: int) -> None:
        self._rows = rows
        self.trainings = 0
        self._model: Model | None = None
        self._asked_from = 0
        self._block = np.empty(0)

    def _activate(self, model: Model, row: int) -> None:
        self._model, self._asked_from, self._block = model, row, np.empty(0)

    def _ask(self, row: int) -> float:
        if self._model is None:
            return float("nan")
        if row >= self._asked_from + len(self._block):
            self._asked_from = row
            self._block = self._model(self._rows.inputs[row : row + _BLOCK_TRADES])
        return float(self._block[row - self._asked_from])

    def _fit(self, chosen: Ints) -> Model:
        return fit_default(self._rows.inputs[chosen], self._rows.win[chosen])


class Static(_Batch):
    """Trained once, on the first so many closed trades."""

    def __init__(self, rows: Rows, seed: int, trades: int) -> None:
        super().__init__(rows, seed)
        self._trades = trades

    def __call__(self, row: int, known: Ints) -> float:
        if self._model is None and len(known) >= self._trades:
            self.trainings += 1
            self._activate(self._fit(known), row)
        return self._ask(row)


class Sliding(_Batch):
    """Trained anew every 7 days on what has closed in the last so many, and used whatever it is
    worth: how FreqAI retrains."""

    def __init__(self, rows: Rows, seed: int, days: int) -> None:
        super().__init__(rows, seed)
        self._window = days * DAY
        self._next = 0

    def __call__(self, row: int, known: Ints) -> float:
        now = int(self._rows.decided_at[row])
        if len(known) >= FIRST_TRADES and (self._model is None or now >= self._next):
            since = np.searchsorted(self._rows.closed_at[known], now - self._window, side="right")
            if since < len(known):
                self.trainings += 1
                self._activate(self._fit(known[since:]), row)
            self._next = now + WEEK
        return self._ask(row)


class Naive(_Batch):
    """LightGBM's defaults as the conditions and "only if better" are first read: after 50 new
    trades, below 90 % of the accuracy found at training, or after 7 days; activated when more
    accurate on the newest fifth, on most of which the champion was trained, then fitted on all."""

    def __init__(self, rows: Rows, seed: int) -> None:
        super().__init__(rows, seed)
        self._looked_at = self._looked_until = self._live_from = 0
        self._expected = 0.0
        self._told: dict[int, float] = {}

    def __call__(self, row: int, known: Ints) -> float:
        now = int(self._rows.decided_at[row])
        if len(known) >= FIRST_TRADES and self._is_due(known, now):
            self._train(row, known)
            self._looked_until, self._looked_at = len(known), now
        told = self._ask(row)
        if self._model is not None:
            self._told[row] = told
        return told

    def _is_due(self, known: Ints, now: int) -> bool:
        if self._model is None or now - self._looked_at >= WEEK:
            return True
        return len(known) - self._looked_until >= NAIVE_NEW or self._has_degraded(known)

    def _has_degraded(self, known: Ints) -> bool:
        since = known[self._looked_until :]
        recent = since[since >= self._live_from][-NAIVE_RECENT:]
        if len(recent) < NAIVE_LEAST_RECENT:
            return False
        told = np.array([self._told[row] for row in recent.tolist()])
        return accuracy(self._rows.win[recent], told) < NAIVE_RATIO * self._expected

    def _train(self, row: int, known: Ints) -> None:
        self.trainings += 1
        window = known[-NAIVE_WINDOW:]
        held_out = int(np.clip(NAIVE_HOLDOUT * len(window), *NAIVE_HOLDOUT_ROWS))
        judged = window[-held_out:]
        inputs, win = self._rows.inputs[judged], self._rows.win[judged]
        found = accuracy(win, self._fit(window[:-held_out])(inputs))
        if self._model is None or is_strictly_better(found, accuracy(win, self._model(inputs))):
            self._activate(self._fit(window), row)
            self._expected, self._live_from = found, row
            self._told.clear()


def fit_default(inputs: Floats, win: Bools) -> Model:
    """LightGBM with its defaults; of one class a constant, because nothing can be learnt."""
    if win.all() or not win.any():
        constant = float(win[0])
        return lambda asked: np.full(len(asked), constant)
    params = {"objective": "binary", "num_threads": 1, "deterministic": True, "verbosity": -1}
    data = lgb.Dataset(inputs, win.astype(np.float64), params={**params, "force_col_wise": True})
    booster = lgb.train(params | {"force_col_wise": True}, data)
    return lambda asked: np.asarray(booster.predict(asked, num_threads=1), dtype=np.float64)


def accuracy(win: Bools, probability: Floats) -> float:
    return float(((probability >= 0.5) == win).mean())


def is_strictly_better(challenger: float, champion: float) -> bool:
    """A tie keeps the champion."""
    return challenger > champion
