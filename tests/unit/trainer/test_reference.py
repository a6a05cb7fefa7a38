from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autoretrain.domain.drift import MOST_FEATURES
from autoretrain.domain.models import Challenger
from autoretrain_trainer.learner import LightGBMLearner
from autoretrain_trainer.reference import rows_by_bin
from tests.unit.trainer.trade_stream import (
    AS_OF,
    FakeArtifacts,
    FakeBooks,
    Reports,
    Trade,
    assignment,
    market,
)


def reference(trades: list[Trade]) -> dict[str, Any]:
    learner = LightGBMLearner(FakeBooks(trades), FakeArtifacts(), reports=False)
    lesson = learner.learn(assignment(), AS_OF, Reports())
    assert isinstance(lesson, Challenger)
    json.dumps(lesson.reference, allow_nan=False)
    return dict(lesson.reference)


def with_features(trades: list[Trade], **features: Any) -> list[Trade]:
    """Each value is asked for with the trade's number; None leaves the feature away."""
    told = [
        {name: value for name, of in features.items() if (value := of(n)) is not None}
        for n in range(len(trades))
    ]
    return [
        replace(trade, features={**trade.features, **more})
        for trade, more in zip(trades, told, strict=True)
    ]


def test_reference_has_ten_like_bins_of_the_fitted_rows() -> None:
    trades = with_features(market(200), rank=lambda n: float(n * 7 % 200))

    rank = reference(trades)["rank"]

    assert rank["edges"] == [20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 140.0, 160.0, 180.0]
    assert rank["rows"] == [20] * 10 + [0]


@pytest.mark.parametrize(
    ("of", "edges", "rows"),
    [
        (lambda n: float(n % 2), [0.0, 1.0], [0, 100, 100, 0]),  # a switch
        (lambda _: 3.0, [3.0], [0, 200, 0]),  # always the same
        (lambda n: 5.0 if n % 4 else None, [5.0], [0, 150, 50]),  # often missing
    ],
)
def test_value_that_many_trades_share_has_a_bin_of_its_own(
    of: Any, edges: list[float], rows: list[int]
) -> None:
    assert reference(with_features(market(200), it=of))["it"] == {"edges": edges, "rows": rows}


def test_reference_keeps_the_features_that_the_model_leans_on_most() -> None:
    noise = {f"a{n:03}": (lambda m, n=n: float((m * (n + 3)) % 11)) for n in range(MOST_FEATURES)}

    kept = reference(with_features(market(200), **noise))

    assert len(kept) == MOST_FEATURES
    assert "rsi" in kept  # the last one by name


def test_value_on_an_edge_lies_to_its_right_and_missing_ones_come_last() -> None:
    values = np.array([0.0, 1.0, 1.5, 2.0, math.nan, 9.0])

    assert rows_by_bin(values, np.array([1.0, 2.0])) == (1, 2, 2, 1)
    assert rows_by_bin(values, np.array([])) == (5, 1)
