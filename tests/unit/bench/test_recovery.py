from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from autoretrain_trainer.metrics import roc_auc
from bench.recovery import (
    LEVEL_TRADES,
    WINDOW_TRADES,
    Flip,
    Truth,
    expected_auc,
    flips,
    read_truth,
    recovery,
)

REGIMES = ["A"] * 600 + ["B"] * 700 + ["B>C"] * 300 + ["C"] * 300 + ["noise"] * 300


def test_expected_auc_is_the_mean_auc_of_outcomes_drawn_from_the_truth() -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.1, 0.9, 60)
    told = np.round(truth + rng.normal(0, 0.2, 60), 1)

    drawn = [roc_auc(rng.random(60) < truth, told) for _ in range(4_000)]

    assert np.unique(told).size < 20
    mean = np.mean([auc for auc in drawn if auc is not None])
    assert expected_auc(truth, told) == pytest.approx(mean, abs=0.005)


def test_expected_auc_of_a_constant_is_a_half() -> None:
    assert expected_auc(np.array([0.2, 0.7, 0.9]), np.full(3, 0.4)) == pytest.approx(0.5)


def test_flips_are_sudden_changes_between_planted_rules() -> None:
    assert flips(REGIMES) == [Flip("A to B", 600, 1_300)]


def test_flip_is_one_when_the_border_frays() -> None:
    frayed = ["A"] * 600 + ["B", "A", "B"] + ["A"] + ["B"] * 400

    assert flips(frayed) == [Flip("A to B", 604, 1_004)]


def test_recovery_counts_the_trades_before_the_first_good_window() -> None:
    truth = Truth(np.tile([0.2, 0.4, 0.6, 0.8], 325), ["A"] * 600 + ["B"] * 700)
    told = truth.probability.copy()
    told[600:750] = 1 - told[600:750]

    found = recovery(truth, told, Flip("A to B", 600, 1_300))

    assert found.level == expected_auc(truth.probability[:LEVEL_TRADES], told[:LEVEL_TRADES])
    assert found.trades is not None
    assert 150 - WINDOW_TRADES // 4 < found.trades <= 150


def test_recovery_is_none_when_the_regime_ends_first() -> None:
    truth = Truth(np.tile([0.2, 0.4, 0.6, 0.8], 325), ["A"] * 600 + ["B"] * 700)
    told = np.concatenate([truth.probability[:600], 1 - truth.probability[600:]])

    assert recovery(truth, told, Flip("A to B", 600, 1_300)).trades is None


def test_truth_is_read_in_the_order_of_the_log(tmp_path: Path) -> None:
    file = tmp_path / "truth.csv.gz"
    file.write_bytes(gzip.compress(b"trade_id,true_p,regime\na,0.25,A\nb,0.75,B\n"))

    truth = read_truth(file, ["b", "a"])

    assert truth.probability.tolist() == [0.75, 0.25]
    assert truth.regime == ["B", "A"]
