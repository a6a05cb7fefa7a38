from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoretrain_trainer import curves, metrics
from autoretrain_trainer.rows import Bools, Floats
from tests.unit.trainer.trade_stream import loaded, market

WIN = np.array([True, False, True, True, False])
TOLD = np.array([0.9, 0.8, 0.8, 0.4, 0.1])


def drawn(rows: int, signal: float = 1.0, digits: int = 9) -> tuple[Bools, Floats]:
    chance = np.random.default_rng(3)
    told = chance.uniform(0.05, 0.95, rows).round(digits)
    return chance.uniform(size=rows) < 0.5 + signal * (told - 0.5), told


def area(points: object) -> float:
    x, y = np.array(points).T
    return float(np.trapezoid(y, x))


def test_roc_goes_through_every_threshold_and_takes_ties_together() -> None:
    third, half = 0.333333, 0.5
    assert curves.roc(WIN, TOLD) == [
        [0, 0],
        [0, third],
        [half, 0.666667],
        [half, 1],
        [1, 1],
    ]


def test_precision_and_recall_are_those_of_every_threshold() -> None:
    assert curves.precision_recall(WIN, TOLD) == [
        [0.333333, 1],
        [0.666667, 0.666667],
        [1, 0.75],
        [1, 0.6],
    ]


@pytest.mark.parametrize("win", [[True] * 5, [False] * 5])
def test_curves_are_none_when_the_rows_have_one_class(win: list[bool]) -> None:
    assert curves.roc(np.array(win), TOLD) is None
    assert curves.precision_recall(np.array(win), TOLD) is None


# rows · digits: few distinct probabilities; many ties; more distinct ones than points are drawn
@pytest.mark.parametrize(("rows", "digits", "off"), [(80, 9, 1e-5), (900, 1, 1e-5), (900, 9, 2e-3)])
def test_area_under_roc_is_the_metric(rows: int, digits: int, off: float) -> None:
    win, told = drawn(rows, digits=digits)
    points = curves.roc(win, told)
    assert isinstance(points, list)
    assert len(points) <= curves.MOST_POINTS
    assert points[0] == [0, 0]
    assert points[-1] == [1, 1]
    assert area(points) == pytest.approx(metrics.roc_auc(win, told), abs=off)


def test_reliability_counts_every_row_in_its_tenth() -> None:
    win, told = drawn(500)
    bins = curves.reliability(win, told)
    assert isinstance(bins, list)
    assert [each["from"] for each in bins] == [n / 10 for n in range(10)]  # type: ignore[index, call-overload]
    assert sum(each["rows"] for each in bins) == 500  # type: ignore[index, call-overload, misc]


def test_reliability_is_the_mean_and_the_wins_of_a_tenth_and_says_where_that_is_too_little() -> (
    None
):
    win = np.array([True, False, True, *[True] * 10])
    told = np.array([0.5, 0.56, 1.0, *[0.31] * 10])
    bins = curves.reliability(win, told)
    assert isinstance(bins, list)
    few = {"from": 0.5, "to": 0.6, "rows": 2, "enough": False, "probability": 0.53, "win_rate": 0.5}
    assert bins[5] == few
    enough = {"from": 0.3, "to": 0.4, "rows": 10, "enough": True, "probability": 0.31}
    assert bins[3] == enough | {"win_rate": 1}
    last = {"from": 0.9, "to": 1.0, "rows": 1, "enough": False, "probability": 1, "win_rate": 1}
    assert bins[9] == last
    empty = {"from": 0.0, "to": 0.1, "rows": 0, "enough": False}
    assert bins[0] == empty | {"probability": None, "win_rate": None}


def test_pnl_is_that_of_the_executed_trades_of_each_tenth() -> None:
    earned = [2.0, -1.0, 4.0]
    stored = [
        replace(trade, pnl_pct=pnl, executed=executed)
        for trade, pnl, executed in zip(market(3), earned, [1.0, 1.0, 0.0], strict=True)
    ]
    bins = curves.pnl(loaded(stored), np.array([0.71, 0.79, 0.75]))
    assert isinstance(bins, list)
    few = {"from": 0.7, "to": 0.8, "rows": 2, "enough": False}
    assert bins[7] == few | {"mean_pnl_pct": 0.5, "sum_pnl_pct": 1.0}
    assert bins[2] == {
        "from": 0.2,
        "to": 0.3,
        "rows": 0,
        "enough": False,
        "mean_pnl_pct": None,
        "sum_pnl_pct": 0,
    }
