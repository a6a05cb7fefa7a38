from __future__ import annotations

import math

import numpy as np
import pytest

from autoretrain_trainer import metrics

WIN = np.array([True, False, True, False])
P = np.array([0.8, 0.4, 0.5, 0.6])


def test_log_loss_is_the_mean_of_minus_the_log_of_what_the_outcome_was_given() -> None:
    expected = -(math.log(0.8) + math.log(0.6) + math.log(0.5) + math.log(0.4)) / 4
    assert metrics.log_loss(WIN, P) == pytest.approx(expected)


def test_log_loss_clips_certainty_to_one_percent() -> None:
    sure = metrics.losses(np.array([False, True]), np.array([1.0, 1.0]))
    assert sure.tolist() == pytest.approx([-math.log(0.01), -math.log(0.99)])


def test_accuracy_calls_a_win_at_one_half() -> None:
    assert metrics.accuracy(WIN, P) == 0.75


def test_brier_is_the_mean_squared_distance() -> None:
    assert metrics.brier(WIN, P) == pytest.approx((0.04 + 0.16 + 0.25 + 0.36) / 4)


@pytest.mark.parametrize(
    ("score", "auc"),
    [
        ([4.0, 1.0, 3.0, 2.0], 1.0),
        ([1.0, 4.0, 2.0, 3.0], 0.0),
        # Pairs: .8 beats both, .5 beats .4 and loses to .6.
        ([0.8, 0.4, 0.5, 0.6], 0.75),
        # One of four pairs is a tie.
        ([0.8, 0.5, 0.5, 0.6], 0.625),
        ([0.3, 0.3, 0.3, 0.3], 0.5),
    ],
)
def test_roc_auc_is_the_chance_that_a_win_scores_above_a_loss(
    score: list[float], auc: float
) -> None:
    assert metrics.roc_auc(WIN, np.array(score)) == pytest.approx(auc)


@pytest.mark.parametrize("win", [[True, True], [False, False], []])
def test_roc_auc_is_none_when_there_is_one_class(win: list[bool]) -> None:
    assert metrics.roc_auc(np.array(win, dtype=np.bool_), np.arange(len(win), dtype=float)) is None


def test_paired_z_is_the_mean_difference_over_its_standard_error() -> None:
    # Differences 1, 2, 3: mean 2, standard deviation 1, n 3.
    z = metrics.paired_z(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))
    assert z == pytest.approx(2 * math.sqrt(3))


def test_paired_z_is_negative_when_the_challenger_is_worse() -> None:
    assert metrics.paired_z(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])) < 0


@pytest.mark.parametrize(
    ("rival", "challenger", "z"),
    [
        ([0.5, 0.7], [0.5, 0.7], 0.0),
        # Always better by the same amount.
        ([1.5, 1.5], [0.5, 0.5], 99.0),
        ([0.5, 0.5], [1.5, 1.5], -99.0),
        ([1.0 + 1e-9, 1.0], [0.0, 0.0], 99.0),
    ],
)
def test_paired_z_is_zero_for_the_same_and_bounded(
    rival: list[float], challenger: list[float], z: float
) -> None:
    assert metrics.paired_z(np.array(rival), np.array(challenger)) == z


def test_paired_z_of_a_nan_stays_one() -> None:
    assert math.isnan(metrics.paired_z(np.array([math.nan, 1.0]), np.array([1.0, 2.0])))


@pytest.mark.parametrize(
    ("one", "other", "r"),
    [
        ([0.1, 0.2, 0.3], [0.2, 0.4, 0.6], 1.0),
        ([0.1, 0.2, 0.3], [0.3, 0.2, 0.1], -1.0),
        ([0.5, 0.5, 0.5], [0.4, 0.4, 0.4], 1.0),
        ([0.5, 0.5, 0.5], [0.1, 0.2, 0.3], 0.0),
        ([0.1, 0.2, 0.3], [0.5, 0.5, 0.5], 0.0),
    ],
)
def test_correlation_of_a_constant_is_defined(
    one: list[float], other: list[float], r: float
) -> None:
    assert metrics.correlation(np.array(one), np.array(other)) == pytest.approx(r)
