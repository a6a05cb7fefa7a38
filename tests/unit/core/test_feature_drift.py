from __future__ import annotations

import json
import math
import random
from bisect import bisect_right
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoretrain.domain.conditions import Condition, decide
from autoretrain.domain.drift import CHANCE, Spread, by_chance, drifts, psi
from autoretrain.domain.models import Policy
from tests.unit.core.test_conditions import TRAINED_YESTERDAY

ON = Policy(feature_drift_psi=0.25)
STEADY = Spread("steady", (100,) * 10 + (0,), (20,) * 10 + (0,))
MOVED = Spread("moved", (100,) * 10 + (0,), (0,) * 5 + (40,) * 5 + (0,))


def drift(policy: Policy = ON, **changes: Any) -> Condition:
    return decide(replace(TRAINED_YESTERDAY, **changes), policy).condition("feature_drift")


def few(spread: Spread, trades: int) -> Spread:
    return replace(spread, newest=(trades, *[0] * (len(spread.newest) - 1)))


def test_condition_is_not_asked_unless_it_is_switched_on() -> None:
    decided = decide(replace(TRAINED_YESTERDAY, spreads=(MOVED,)), Policy())

    assert "feature_drift" not in {one.name for one in decided.conditions}
    assert "drift" not in decided.reason


def test_condition_fires_where_a_feature_has_moved_and_gives_every_index() -> None:
    found = drift(spreads=(STEADY, MOVED))

    assert found.fired
    assert found.line == (
        "1 of 2 features drifted over the newest 200 trades, farthest moved: PSI 2.14 (limit 0.25)"
    )
    assert found.figures["features"] == {
        "moved": {"psi": pytest.approx(2.1448, abs=0.0001), "limit": 0.25},
        "steady": {"psi": 0.0, "limit": 0.25},
    }


def test_drift_names_the_reason_last_and_is_told_where_nothing_is_due() -> None:
    decided = decide(replace(TRAINED_YESTERDAY, spreads=(MOVED,)), ON)
    assert (decided.outcome, decided.reason[:38]) == (
        "feature_drift",
        "feature drift: 1 of 1 features drifted",
    )

    both = decide(replace(TRAINED_YESTERDAY, spreads=(MOVED,), new_trades=50), ON)
    assert both.outcome == "new_trades"

    nothing = decide(replace(TRAINED_YESTERDAY, spreads=(STEADY,)), ON)
    assert nothing.reason.endswith("; feature drift: 0 of 1 features drifted over the newest 200"
                                   " trades, farthest steady: PSI 0.00 (limit 0.25)")  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"model_version": None, "spreads": (MOVED,)}, "no active model to drift from"),
        ({}, "the active model has no features to compare with: it is from before, or has none"),
        (
            {"spreads": (few(MOVED, 99),)},
            "not enough evidence (99 of 100 trades since the last training)",
        ),
    ],
)
def test_condition_says_what_it_lacks(changes: dict[str, Any], line: str) -> None:
    found = drift(**changes)

    assert (found.fired, found.line) == (False, line)


def test_hundred_trades_are_enough() -> None:
    assert drift(spreads=(few(MOVED, 100),)).fired


def test_no_drift_fires_below_the_minimum_of_trades() -> None:
    assert not drift(spreads=(MOVED,), total_trades=99).fired


@pytest.mark.parametrize(
    ("fitted", "newest", "expected"),
    [
        ((50, 50), (50, 50), 0.0),
        ((50, 50), (80, 20), 0.3 * 1.386294),  # 2 · 0.3 · ln(…): ln 1.6 + ln 2.5 = ln 4
        ((99, 0), (0, 99), 2 * (1 - 0.5 / 99) * math.log(198)),  # an empty bin is half a trade
    ],
)
def test_index_is_that_of_the_textbook(
    fitted: tuple[int, ...], newest: tuple[int, ...], expected: float
) -> None:
    shares = Spread("x", fitted, newest)
    assert psi(shares) == pytest.approx(expected, abs=1e-6)


def test_chance_is_what_the_chi_square_distribution_says() -> None:
    # The 99 % quantile of chi-square with 9 degrees of freedom is 21.67.
    spread = Spread("x", (100,) * 10, (20,) * 10)
    assert by_chance(spread, 1) == pytest.approx(21.67 * (1 / 1000 + 1 / 200), rel=0.005)
    assert by_chance(Spread("constant", (100, 0), (20, 0)), 1) == 0


def test_trades_like_the_fitted_ones_are_rarely_called_drifted() -> None:
    chance, alarms, repeats, features = random.Random(3), 0, 200, 20
    for _ in range(repeats):
        spreads = [_drawn(f"f{n}", chance) for n in range(features)]
        alarms += drifts(spreads, 0.01)[0].drifted

    assert alarms / repeats <= 3 * CHANCE


def _drawn(feature: str, chance: random.Random) -> Spread:
    """As few trades as a model and a check can have, from one and the same distribution."""
    edges = [n / 10 for n in range(1, 10)]
    counts = [[0] * 11, [0] * 11]
    for own in counts:
        for _ in range(100):
            own[bisect_right(edges, chance.random())] += 1
    return Spread(feature, *counts)


COUNTS = st.integers(1, 11).flatmap(
    lambda bins: st.tuples(
        *[st.lists(st.integers(0, 500), min_size=bins, max_size=bins).filter(sum)] * 2
    )
)


@given(st.lists(COUNTS, min_size=1, max_size=5), st.floats(0, 10, exclude_min=True))
def test_index_is_never_below_zero_and_the_farthest_comes_first(
    drawn: list[tuple[list[int], list[int]]], threshold: float
) -> None:
    spreads = [Spread(f"f{n}", *counts) for n, counts in enumerate(drawn)]

    found = drifts(spreads, threshold)

    assert all(one.psi > -1e-9 and one.limit >= threshold for one in found)
    assert found[0].drifted == any(one.drifted for one in found)
    decided = decide(replace(TRAINED_YESTERDAY, spreads=spreads), Policy(feature_drift_psi=1e-9))
    json.dumps([asdict(one) for one in decided.conditions], allow_nan=False)
