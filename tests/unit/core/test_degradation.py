from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoretrain.domain.degradation import (
    ALARM,
    BLOCK_TRADES,
    FALSE_ALARMS,
    FROM_THE_START,
    LATER,
    PRIOR_CALLS,
    WITHIN_TRADES,
    Calls,
    Finding,
    Record,
    examine,
)


def record(judged: tuple[int, int], *blocks: int) -> Record:
    """One tenth: trades and right calls as judged, right calls of each block of 50."""
    live = tuple((Calls(5, BLOCK_TRADES, correct),) for correct in blocks)
    return Record((Calls(5, *judged),), live)


def evidence(judged: tuple[int, int], *blocks: int) -> float:
    return examine(record(judged, *blocks)).evidence


def beta_binomial(right: int, wrong: int, a: float, b: float) -> float:
    """The chance of `right` right calls where the accuracy is Beta(a, b)."""
    logarithm = math.lgamma(a + right) + math.lgamma(b + wrong) - math.lgamma(a + b + right + wrong)
    logarithm -= math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.comb(right + wrong, right) * math.exp(logarithm)


@pytest.mark.parametrize(("judged", "live"), [(1, 1), (6, 9), (12, 40)])
def test_evidence_is_worth_its_prior_weight_on_average_when_nothing_changes(
    judged: int, live: int
) -> None:
    mean = 0.0
    for a in range(judged + 1):
        first = beta_binomial(a, judged - a, PRIOR_CALLS, PRIOR_CALLS)
        for c in range(live + 1):
            then = beta_binomial(c, live - c, PRIOR_CALLS + a, PRIOR_CALLS + judged - a)
            found = examine(Record((Calls(5, judged, a),), ((Calls(5, live, c),),)))
            mean += first * then * found.evidence

    assert mean == pytest.approx(FROM_THE_START, rel=1e-3)


def test_prior_weights_are_one_within_the_guaranteed_trades() -> None:
    later_blocks = WITHIN_TRADES // BLOCK_TRADES - 1

    assert FROM_THE_START + later_blocks * LATER == pytest.approx(1)
    assert ALARM == 20


@pytest.mark.parametrize(
    ("found", "degraded"),
    [
        pytest.param(examine(record((200, 130), 32, 33, 31)), False, id="as expected"),
        pytest.param(examine(record((200, 130), 40, 42, 41)), False, id="better than expected"),
        pytest.param(examine(record((200, 130), 20, 21, 22)), True, id="worse from the start"),
        pytest.param(
            examine(record((20, 13), 20, 21, 22)), False, id="20 judged trades say little"
        ),
        pytest.param(
            examine(record((20, 13), *[33] * 8, 21, 20, 19)), True, id="worse after 400 trades"
        ),
    ],
)
def test_degraded_is_what_the_expectation_cannot_explain(found: Finding, degraded: bool) -> None:
    assert found.degraded_over(30) is degraded
    assert not found.degraded_over(found.trades + 1)


def test_trades_are_compared_with_judged_ones_of_the_same_tenth() -> None:
    judged = (Calls(3, 100, 80), Calls(6, 40, 20))
    # A bot that takes only p from 0.6 on: half right is what was judged there.
    taken = examine(Record(judged, tuple([(Calls(6, 50, 25),)] * 6)))

    assert (taken.trades, taken.judged, taken.observed, taken.expected) == (300, 140, 0.5, 0.5)
    assert taken.evidence < 1


def test_trades_of_a_tenth_that_was_not_judged_are_left_out() -> None:
    found = examine(Record((Calls(3, 100, 80),), ((Calls(3, 10, 8), Calls(9, 40, 0)),)))

    assert (found.trades, found.observed, found.expected) == (10, 0.8, 0.8)


@pytest.mark.parametrize(
    "empty",
    [Record(), Record((Calls(5, 20, 12),)), Record((), ((Calls(5, 50, 0),),)), record((0, 0), 0)],
)
def test_nothing_to_compare_is_no_evidence(empty: Record) -> None:
    assert examine(empty) == Finding(0, examine(empty).judged, None, None, 1.0)


BLOCKS = st.lists(st.integers(0, BLOCK_TRADES), min_size=1, max_size=12)
JUDGED = st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@settings(deadline=None)
@given(JUDGED, BLOCKS, st.integers(1, BLOCK_TRADES))
def test_more_losses_never_lower_the_alarm(
    judged: tuple[int, int], blocks: Sequence[int], lost: int
) -> None:
    *before, last = blocks
    worse = evidence(judged, *before, max(0, last - lost))

    assert worse >= evidence(judged, *before, last) * (1 - 1e-6)


@settings(deadline=None)
@given(JUDGED, BLOCKS)
def test_evidence_is_always_a_positive_number(
    judged: tuple[int, int], blocks: Sequence[int]
) -> None:
    found = examine(record(judged, *blocks))

    assert math.isfinite(found.evidence)
    assert found.evidence > 0
    assert 0 <= (found.expected or 0) <= 1


def share_alarmed(accuracy: float, drop: float, judged: int, lives: int) -> float:
    """Of champions that live for 500 trades, each the luckier of two equal models on the judged
    trades, and looked at again and again."""
    chance = random.Random(7)

    def right(trades: int, p: float) -> int:
        return sum(chance.random() < p for _ in range(trades))

    def alarmed() -> bool:
        luckier = max(right(judged, accuracy), right(judged, accuracy))
        blocks = [right(BLOCK_TRADES, accuracy * drop) for _ in range(10)]
        looks = (record((judged, luckier), *blocks[:until]) for until in range(2, 11, 2))
        return any(examine(look).degraded_over(30) for look in looks)

    return sum(alarmed() for _ in range(lives)) / lives


def test_false_alarms_stay_below_the_promise_where_the_champion_was_the_luckier_of_two() -> None:
    assert share_alarmed(0.3, 1.0, judged=500, lives=250) <= FALSE_ALARMS


def test_false_alarms_stay_below_the_promise_where_the_expectation_is_vague() -> None:
    assert share_alarmed(0.6, 1.0, judged=20, lives=100) <= FALSE_ALARMS


def test_a_drop_of_thirty_percent_is_found() -> None:
    assert share_alarmed(0.6, 0.7, judged=150, lives=40) >= 0.9
