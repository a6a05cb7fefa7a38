from __future__ import annotations

import math
import random
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from autoretrain.errors import DataError
from autoretrain_trainer.features import refuse_exit_only, refuse_leaks, refuse_too_many
from autoretrain_trainer.fit import Course, Model, fading
from autoretrain_trainer.inputs import SIDE, SYMBOL, Input, feature, inputs_of, matrix
from autoretrain_trainer.recipe import Recipe, recipe_for
from autoretrain_trainer.rows import Trades
from autoretrain_trainer.weights import contributions
from tests.unit.trainer.trade_stream import HOUR, START, Trade, loaded, market, moment

INPUTS = inputs_of(["adx", "rsi"], ["BTC", "ETH"])


def test_features_known_only_at_the_exit_are_refused_by_name() -> None:
    with pytest.raises(DataError, match="not a feature: exitPrice, pnl") as raised:
        refuse_exit_only(["rsi", "pnl", "exitPrice", "prev_pnl"])
    assert raised.value.code == "exit_only_feature"


def test_feature_with_a_name_of_the_exit_passes_when_it_is_allowed() -> None:
    refuse_exit_only(["rsi", "pnl"], allowed=["pnl"])
    with pytest.raises(DataError, match=r"feature: mae\. .* add them to `allowed_features` if"):
        refuse_exit_only(["pnl", "mae"], allowed=["pnl"])


def test_features_are_refused_when_one_query_cannot_read_so_many() -> None:
    names = [f"f{number}" for number in range(1501)]
    refuse_too_many(names[1:])
    with pytest.raises(DataError, match=r"1,501 feature names; at most 1,500.*Store fewer") as told:
        refuse_too_many(names)
    assert told.value.code == "too_many_features"


def daily(rows: int) -> list[Trade]:
    """A market in which one trade is decided each day."""
    days = [(trade, START + number * 24 * HOUR) for number, trade in enumerate(market(rows))]
    return [replace(trade, decided_at=day, closed_at=day + HOUR) for trade, day in days]


def leaking(rows: int, sign: float = 1.0) -> list[Trade]:
    return [
        replace(trade, features={**trade.features, "next_close": sign * trade.pnl_pct})
        for trade in daily(rows)
    ]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_feature_that_alone_tells_the_outcome_is_refused_either_way_round(sign: float) -> None:
    with pytest.raises(DataError, match=r"next_close \(AUC [01].000\)") as raised:
        refuse_leaks(loaded(leaking(60, sign)), allowed=())
    assert raised.value.code == "suspected_leak"


def test_leak_passes_when_it_is_allowed_by_name() -> None:
    refuse_leaks(loaded(leaking(60)), allowed=("next_close",))


@pytest.mark.parametrize(("days", "suspected"), [(6, False), (7, True)])
def test_leak_is_not_suspected_within_less_than_a_week(days: int, suspected: bool) -> None:
    trades = [
        replace(trade, decided_at=at, closed_at=at + 1)
        for n, trade in enumerate(leaking(120))
        for at in [START + n * days * 24 * HOUR // 120]
    ]
    with pytest.raises(DataError) if suspected else nullcontext():
        refuse_leaks(loaded(trades), allowed=())


def test_leak_is_not_suspected_when_fewer_than_sixty_rows_have_the_feature() -> None:
    known = leaking(59)
    unknown = [replace(trade, features={"rsi": 1.0}) for trade in market(40, seed=2, first=59)]
    refuse_leaks(loaded([*known, *unknown]), allowed=())


def present(trade: Trade, there: bool) -> Trade:
    """The trade with a feature `extra` that tells nothing by its value, where it is there."""
    extra = {"extra": trade.features["adx"]} if there else {}
    return replace(trade, features={**trade.features, **extra})


@pytest.mark.parametrize(("sign", "missing_on"), [(1, "losses"), (-1, "wins")])
def test_feature_whose_absence_tells_the_outcome_is_refused(sign: int, missing_on: str) -> None:
    trades = loaded([present(trade, sign * trade.pnl_pct > 0) for trade in daily(60)])
    with pytest.raises(
        DataError, match=rf"extra \(is missing on {missing_on}: AUC 1.000\)"
    ) as told:
        refuse_leaks(trades, allowed=())
    assert told.value.code == "suspected_leak"
    refuse_leaks(trades, allowed=("extra",))


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(("sign", "only"), [(1, "wins"), (-1, "losses")])
def test_feature_that_half_of_one_outcome_has_or_lacks_is_refused(
    sign: int, only: str, there: bool
) -> None:
    mine = [trade.id for trade in daily(300) if sign * trade.pnl_pct > 0][::2]
    trades = loaded([present(trade, (trade.id in mine) == there) for trade in daily(300)])

    told = "there" if there else "missing"
    with pytest.raises(DataError, match=rf"extra \(is {told} on {only} only\)"):
        refuse_leaks(trades, allowed=())
    refuse_leaks(trades, allowed=("extra",))


@pytest.mark.parametrize("there", [True, False])
def test_feature_that_a_few_trades_have_or_lack_may_be_on_one_side_by_chance(there: bool) -> None:
    mine = [trade.id for trade in daily(300) if trade.pnl_pct > 0][:6]

    refuse_leaks(loaded([present(t, (t.id in mine) == there) for t in daily(300)]), allowed=())


def test_feature_that_came_with_one_winning_basket_is_no_leak() -> None:
    old, newest = daily(300)[:275], daily(300)[275:]
    decided = newest[0].decided_at
    basket = [
        replace(trade, decided_at=decided + minute, closed_at=decided + HOUR, pnl_pct=1.0)
        for minute, trade in enumerate(newest)
    ]

    refuse_leaks(loaded([*old, *(present(trade, True) for trade in basket)]), allowed=())


def test_feature_that_is_missing_on_nearly_all_losses_is_refused() -> None:
    losses = [trade for trade in market(300) if trade.pnl_pct < 0]
    known = {trade.id for trade in losses[:9]}
    trades = [present(t, t.pnl_pct > 0 or t.id in known) for t in market(300)]
    with pytest.raises(DataError, match="is missing on losses"):
        refuse_leaks(loaded(trades), allowed=())


def test_absence_is_no_leak_when_the_rows_are_fewer_than_sixty() -> None:
    refuse_leaks(loaded([present(t, t.pnl_pct > 0) for t in market(59)]), allowed=())


def test_absence_is_no_leak_when_it_has_nothing_to_do_with_the_outcome() -> None:
    chance = random.Random(5)
    refuse_leaks(loaded([present(t, chance.random() > 0.3) for t in market(200)]), allowed=())
    refuse_leaks(loaded([present(t, t.id >= 100) for t in market(200)]), allowed=())
    refuse_leaks(loaded([present(t, t.id == 7) for t in market(200)]), allowed=())


def test_honest_features_are_no_leak() -> None:
    refuse_leaks(loaded(market(200, signal=1.0)), allowed=())


def test_inputs_are_features_by_name_then_side_then_symbol() -> None:
    assert (feature("adx"), feature("rsi"), SIDE, SYMBOL) == INPUTS


def test_symbol_is_no_input_when_there_is_one() -> None:
    assert inputs_of(["rsi"], ["BTC"]) == (feature("rsi"), SIDE)


def test_inputs_tell_a_feature_called_side_from_the_side() -> None:
    inputs = inputs_of(["side"], ["BTC"])
    assert [column.to_json() for column in inputs] == [{"feature": "side"}, {"trade": "side"}]
    trades = loaded([Trade(1, 0, 1, 1.0, {"side": 7.0}, side=-1.0)])
    assert matrix(trades, inputs, ["BTC"]).tolist() == [[7.0, -1.0]]


def test_matrix_selects_by_name_and_codes_symbols_as_the_model_knows_them() -> None:
    trades = loaded(
        [
            Trade(1, 0, 1, 1.0, {"rsi": 30.0, "adx": 20.0}, symbol="BTC"),
            Trade(2, 1, 2, 1.0, {"rsi": 40.0, "adx": 10.0}, symbol="SOL"),
            Trade(3, 2, 3, 1.0, {}, symbol=None),
        ]
    )
    inputs = [feature("rsi"), SYMBOL, feature("gone"), feature("adx"), Input("trade", "side")]
    expected = [
        [30.0, 2.0, math.nan, 20.0, 1.0],
        [40.0, 0.0, math.nan, 10.0, 1.0],
        [math.nan, 0.0, math.nan, math.nan, 1.0],
    ]
    np.testing.assert_array_equal(matrix(trades, inputs, ["ADA", "BTC"]), expected)


def test_matrix_codes_every_symbol_as_unknown_when_no_trade_has_one() -> None:
    trades = loaded([Trade(1, 0, 1, 1.0, {}, symbol=None)])
    assert matrix(trades, [SYMBOL], ["ADA", "BTC"]).tolist() == [[0.0]]


def test_contributions_follow_the_columns_and_have_mean_one() -> None:
    factors = contributions({"rsi": 3.0, "adx": 0.0}, INPUTS)
    assert factors == pytest.approx([0.0, 2.4, 0.8, 0.8])


@pytest.mark.parametrize("weights", [{}, {"rsi": 1.0}, dict.fromkeys(("adx", "rsi", "side"), 1.0)])
def test_contributions_are_left_out_when_all_are_equal(weights: dict[str, float]) -> None:
    assert contributions(weights, INPUTS) is None


def test_contributions_weight_side_and_symbol() -> None:
    assert contributions({"side": 2.0, "symbol": 0.0}, INPUTS) == [1.0, 1.0, 2.0, 0.0]


def test_weight_called_side_is_the_features_when_there_is_one() -> None:
    assert contributions({"side": 0.0}, inputs_of(["side"], ["BTC"])) == [0.0, 2.0]


def test_unknown_weight_is_refused_with_the_valid_names() -> None:
    with pytest.raises(DataError, match=r"have: macd. Valid names: adx, rsi, side, symbol") as told:
        contributions({"macd": 1.0}, INPUTS)
    assert told.value.code == "unknown_feature_weight"


@pytest.mark.parametrize("weight", [-0.001, 3.001, math.nan, math.inf, -math.inf])
def test_weight_out_of_range_is_refused(weight: float) -> None:
    with pytest.raises(DataError, match=r"from 0 to 3: rsi =") as raised:
        contributions({"rsi": weight}, INPUTS)
    assert raised.value.code == "bad_feature_weight"


def test_weights_are_refused_when_all_are_zero() -> None:
    with pytest.raises(DataError, match="All feature weights are 0") as raised:
        contributions(dict.fromkeys(("adx", "rsi", "side", "symbol"), 0.0), INPUTS)
    assert raised.value.code == "bad_feature_weight"


@pytest.mark.parametrize(
    ("rows", "recipe"),
    [
        (40, Recipe(60, 7, 0.05, min_child_rows=5, row_share=0.8)),
        (150, Recipe(60, 7, 0.05, min_child_rows=15, row_share=0.8)),
        (300, Recipe(60, 7, 0.05, min_child_rows=30, row_share=0.8)),
        (7_499, Recipe(60, 7, 0.05, min_child_rows=30, row_share=0.8)),
        (7_500, Recipe(18, 31, 0.22, min_child_rows=75, row_share=1.0, half_life=2_500)),
        (8_000, Recipe(18, 31, 0.22, min_child_rows=80, row_share=1.0, half_life=2_500)),
    ],
)
def test_recipe_grows_with_the_rows(rows: int, recipe: Recipe) -> None:
    assert recipe_for(rows) == recipe


def turning(rows: int) -> Trades:
    """Wins have an RSI above 50 in the first half of the trades, below it in the second."""
    known = [
        replace(
            trade,
            pnl_pct=1.0 if (number % 100 > 50) == (number < rows / 2) else -1.0,
            win=math.nan,
            features={"rsi": float(number % 100)},
        )
        for number, trade in enumerate(market(rows))
    ]
    return loaded(known, as_of=moment(max(trade.closed_at for trade in known)))


def test_newer_half_outweighs_the_older_in_a_long_memory_alone() -> None:
    trades = turning(7_500)
    course = Course.of(trades, {})
    asked = trades.newest(100)

    def lean(model: Model) -> float:
        """How much more likely a win is called where the newer trades were won."""
        told = model.predict(asked)
        return float(told[asked.win].mean() - told[~asked.win].mean())

    assert lean(course.fit(trades, lambda *_: None)) > 0.3
    assert abs(lean(course.fit(trades.only(slice(2, -2)), lambda *_: None))) < 0.1


def test_trade_counts_half_of_one_that_came_a_half_life_later() -> None:
    shares = fading(5, half_life=2)
    assert shares is not None
    assert shares[[0, 2, 4]].tolist() == [0.25, 0.5, 1.0]
    assert fading(5, half_life=None) is None
