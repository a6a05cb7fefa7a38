from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoretrain_local.replay.log import Log
from autoretrain_local.replay.scoring import WARM_UP_TRADES, score, scored, taken
from autoretrain_local.replay.serving import NO_MODEL, Said
from tests.unit.local.replay_logs import changed, log_of, market


def said(probability: list[float], version: int = 0) -> Said:
    return Said(np.array(probability), np.full(len(probability), version), ["v1"])


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return log_of(market(300), tmp_path)


def test_trades_are_scored_once_the_warm_up_is_over_and_if_they_closed(log: Log) -> None:
    rows = scored(log)

    closings = np.sort(log.closed_at[log.usable])
    first = int(np.flatnonzero(rows)[0])
    assert (closings < log.decided_at[first]).sum() >= WARM_UP_TRADES
    assert (closings < log.decided_at[first - 3]).sum() < WARM_UP_TRADES + 3
    assert not (rows & ~log.usable).any()
    assert rows[first:].sum() == log.usable[first:].sum()


def test_perfect_probabilities_score_perfectly(log: Log) -> None:
    perfect = np.where(log.pnl_pct > 0, 0.99, 0.01)

    scores = score(log, said(perfect.tolist()))

    assert (scores.accuracy, scores.roc_auc) == (1.0, 1.0)
    assert scores.brier == pytest.approx(0.0001)
    assert scores.log_loss == pytest.approx(0.01005, abs=1e-5)
    assert scores.served_share == 1.0
    assert scores.pnl_pct == pytest.approx(log.pnl_pct[scored(log)].mean())


def test_one_class_has_no_roc_auc(tmp_path: Path) -> None:
    rows = [changed(row, pnl_pct=1, win=1) if row["pnl_pct"] else row for row in market(200)]
    log = log_of(rows, tmp_path)

    scores = score(log, said([0.7] * len(log)))

    assert (scores.roc_auc, scores.accuracy) == (None, 1.0)


def test_log_that_is_too_short_has_no_figures(tmp_path: Path) -> None:
    scores = score(log := log_of(market(50), tmp_path), said([0.5] * len(log)))

    assert scores.scored == 0
    assert {value for value in scores.to_json().values() if value} == set()


def test_best_trades_are_those_above_the_running_quantile_of_what_was_told_before() -> None:
    chance = random.Random(5)
    told = [chance.choice([0.2, 0.5, chance.random()]) for _ in range(1_300)]

    take = taken(said(told))

    expected = [
        row >= 30 and value > np.quantile(told[max(0, row - 500) : row], 0.7)
        for row, value in enumerate(told)
    ]
    assert take.tolist() == expected


def test_best_trades_do_not_depend_on_later_ones() -> None:
    told = [random.Random(n).random() for n in range(400)]

    assert taken(said(told)).tolist()[:200] == taken(said(told[:200])).tolist()


def test_trades_that_no_model_spoke_of_are_not_taken(log: Log) -> None:
    rising = np.linspace(0.1, 0.9, len(log))

    nobody = score(log, said(rising.tolist(), NO_MODEL))
    half = said(rising.tolist())
    spoken = replace(half, version=np.where(np.arange(len(log)) < 150, NO_MODEL, 0))

    assert (nobody.taken, nobody.taken_pnl_pct, nobody.served_share) == (0, None, 0.0)
    assert not taken(spoken)[:180].any()
    assert taken(spoken)[180:].all()
