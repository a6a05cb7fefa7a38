from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoretrain.domain.degradation import Calls
from autoretrain.domain.gate import BASE_RATE
from autoretrain.errors import InvalidMetric
from autoretrain_trainer.judge import (
    Split,
    base_rate,
    compare,
    compare_with_base_rate,
    expanding_folds,
    split_against_champion,
    unseen,
)
from autoretrain_trainer.rows import Floats, Ints
from tests.unit.trainer.trade_stream import HOUR, START, Trade, loaded, moment

# Few moments and long trades: ties and overlaps everywhere, zero durations too.
INTERVALS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 15)), min_size=30, max_size=120
).map(sorted)


def times(intervals: list[tuple[int, int]]) -> tuple[Ints, Ints]:
    decided = np.array([decided for decided, _ in intervals], dtype=np.int64)
    return decided, decided + np.array([length for _, length in intervals], dtype=np.int64)


def assert_nothing_fitted_lived_through_the_judged(
    split: Split, decided_at: Ints, closed_at: Ints
) -> None:
    assert not (split.fitted & split.judged).any()
    if split.fitted.any() and split.judged.any():
        assert np.max(closed_at[split.fitted]) < np.min(decided_at[split.judged])


@given(INTERVALS, st.integers(0, 55))
def test_split_never_judges_what_champion_or_challenger_has_seen(
    intervals: list[tuple[int, int]], cutoff: int
) -> None:
    decided_at, closed_at = times(intervals)
    learnt_by_champion = closed_at <= cutoff
    fresh = unseen(decided_at, closed_at, cutoff)
    split = split_against_champion(decided_at, closed_at, cutoff)
    if split is None:
        assert fresh.sum() < 20
        return
    assert_nothing_fitted_lived_through_the_judged(split, decided_at, closed_at)
    assert not (split.judged & learnt_by_champion).any()
    assert np.min(decided_at[split.judged]) >= cutoff
    assert split.judged.sum() >= max(20, math.ceil(fresh.sum() / 2))
    assert (split.fitted.astype(int) + split.judged + split.purged == 1).all()


@given(INTERVALS)
def test_folds_never_judge_what_their_model_has_seen_and_judge_each_trade_once(
    intervals: list[tuple[int, int]],
) -> None:
    decided_at, closed_at = times(intervals)
    folds = expanding_folds(decided_at, closed_at)
    for fold in folds:
        assert_nothing_fitted_lived_through_the_judged(fold, decided_at, closed_at)
        assert not (fold.purged & (fold.fitted | fold.judged)).any()
    judged = np.sum([fold.judged for fold in folds], axis=0)
    start = round(0.4 * len(decided_at))
    assert judged.tolist() == [0] * start + [1] * (len(decided_at) - start)


def apart(rows: int) -> tuple[Ints, Ints]:
    return times([(10 * row, 1) for row in range(rows)])


@pytest.mark.parametrize(("fresh", "judged"), [(20, 20), (39, 20), (41, 21), (100, 50)])
def test_split_judges_the_newest_half_but_at_least_twenty(fresh: int, judged: int) -> None:
    decided_at, closed_at = apart(100 + fresh)
    split = split_against_champion(decided_at, closed_at, data_cutoff=10 * 99 + 1)
    assert split is not None
    assert np.flatnonzero(split.judged).tolist() == list(range(100 + fresh - judged, 100 + fresh))
    assert split.fitted.sum() == 100 + fresh - judged
    assert split.purged.sum() == 0


def test_split_is_none_when_nineteen_trades_are_unseen() -> None:
    decided_at, closed_at = apart(119)
    assert split_against_champion(decided_at, closed_at, data_cutoff=10 * 99 + 1) is None


def test_split_purges_trades_still_open_at_the_first_judged_decision() -> None:
    decided_at, closed_at = apart(140)
    closed_at[:100:10] = 10_000
    split = split_against_champion(decided_at, closed_at, data_cutoff=10 * 99 + 1)
    assert split is not None
    assert split.purged.sum() == 10
    assert split.fitted.sum() == 110


def test_split_judges_all_trades_decided_with_the_first_judged_one() -> None:
    decided_at, closed_at = times([(0, 1)] * 50 + [(10, 1)] * 5 + [(20, 1)] * 30)
    split = split_against_champion(decided_at, closed_at, data_cutoff=5)
    assert split is not None
    assert split.judged.sum() == 30


def test_trade_is_unseen_when_decided_from_the_cutoff_on_and_closed_after_it() -> None:
    decided_at, closed_at = times([(4, 9), (5, 0), (5, 1), (6, 0)])
    assert unseen(decided_at, closed_at, 5).tolist() == [False, False, True, True]


def test_folds_expand_from_forty_percent() -> None:
    folds = expanding_folds(*apart(100))
    assert [int(fold.fitted.sum()) for fold in folds] == [40, 52, 64, 76, 88]
    assert [int(fold.judged.sum()) for fold in folds] == [12] * 5


def four_trades() -> list[Trade]:
    pnl = [2.0, -1.0, 3.0, -2.0]
    return [
        Trade(n, START + n * HOUR, START + (n + 1) * HOUR, value, {"rsi": 1.0})
        for n, value in enumerate(pnl)
    ]


def probabilities(*values: float) -> Floats:
    return np.array(values)


def test_base_rate_has_seen_one_more_win_and_one_more_loss() -> None:
    assert base_rate(loaded(four_trades()[:3])) == 3 / 5
    assert base_rate(loaded([])) == 1 / 2


def test_comparison_scores_both_on_the_same_trades() -> None:
    trades = loaded(four_trades())
    challenger, champion = probabilities(0.8, 0.4, 0.7, 0.6), probabilities(0.5, 0.6, 0.4, 0.4)
    compared = compare(trades, challenger, champion, np.full(4, 0.5), "v1")
    assert (compared.rival, compared.rows) == ("v1", 4)
    assert compared.challenger.accuracy == 0.75
    assert compared.challenger.roc_auc == 1.0
    assert compared.champion.roc_auc == 0.375
    assert compared.base_rate.log_loss == pytest.approx(math.log(2))
    # Above .5 are the first, third and last trade.
    assert compared.challenger.taken == 3
    assert compared.challenger.pnl_pct == pytest.approx(1.0)
    assert (compared.champion.taken, compared.champion.pnl_pct) == (1, -1.0)
    assert (compared.base_rate.taken, compared.base_rate.pnl_pct) == (0, None)
    assert compared.z > 0
    assert compared.log_loss_improvement > 0
    assert compared.judged_from == moment(START)
    assert compared.judged_until == moment(START + 3 * HOUR)


def test_profit_counts_executed_trades_only() -> None:
    first, *others = four_trades()
    trades = loaded([replace(first, executed=0.0), *others])
    p = probabilities(0.9, 0.1, 0.9, 0.1)
    compared = compare(trades, p, p, np.full(4, 0.5), "v1")
    assert (compared.challenger.taken, compared.challenger.pnl_pct) == (1, 3.0)
    assert compared.rows == 4


def test_calls_are_counted_by_tenth_whether_taken_or_not() -> None:
    first, *others = four_trades()
    trades = loaded([replace(first, executed=0.0), *others])
    p = probabilities(0.9, 1.0, 0.499, 0.5)
    compared = compare(trades, p, np.full(4, 0.5), np.full(4, 0.5), "v1")
    right = (p >= 0.5) == trades.win
    assert compared.calls == (
        Calls(4, 1, int(right[2])),
        Calls(5, 1, int(right[3])),
        Calls(9, 2, int(right[0]) + int(right[1])),
    )


def test_comparison_with_itself_improves_nothing() -> None:
    p = probabilities(0.9, 0.1, 0.9, 0.1)
    compared = compare(loaded(four_trades()), p, p, np.full(4, 0.5), "v1")
    assert (compared.z, compared.log_loss_improvement) == (0.0, 0.0)


def test_first_models_rival_is_the_base_rate() -> None:
    p = probabilities(0.9, 0.1, 0.9, 0.1)
    compared = compare_with_base_rate(loaded(four_trades()), p, np.full(4, 0.5))
    assert compared.rival == BASE_RATE
    assert compared.first_model
    assert compared.champion == compared.base_rate


def test_auc_is_none_when_the_judged_trades_have_one_class() -> None:
    p = probabilities(0.9)
    assert compare_with_base_rate(loaded(four_trades()[:1]), p, p).challenger.roc_auc is None


def test_comparison_refuses_a_figure_that_is_no_number() -> None:
    p = probabilities(0.9, math.nan, 0.9, 0.1)
    with pytest.raises(InvalidMetric):
        compare(loaded(four_trades()), p, np.full(4, 0.5), np.full(4, 0.5), "v1")
