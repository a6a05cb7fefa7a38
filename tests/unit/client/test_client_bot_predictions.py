from __future__ import annotations

import logging
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.faults.rows import row
from tests.unit.client.bots import TRADE, Bot
from tests.unit.client.published import asked, learnt, odd_trades, trainers, variant
from tests.unit.trainer.trade_stream import loaded


@row("B27")
def test_prediction_is_the_trainers_own_bit_for_bit(bot: Bot) -> None:
    trades = odd_trades()
    for version, artifact in {"v1": learnt(), "v2": variant(1), "v3": variant(2)}.items():
        bot.api.activate(version, artifact)
        model = bot.start()
        predictions = [model.predict(**asked(trade)) for trade in trades]
        expected = trainers(artifact).predict(loaded(trades))
        assert [p.win_probability for p in predictions] == expected.tolist()
        assert {(p.model_version, p.source) for p in predictions} == {(version, "model")}
        assert len(set(expected)) > 10


def test_features_are_told_by_name_in_any_order(bot: Bot) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    backwards = dict(reversed(TRADE.items()))
    assert model.predict(backwards) == model.predict({**TRADE, "comment": "text"})


@row("B27")
def test_prediction_says_how_many_features_were_missing(bot: Bot) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    assert model.predict(TRADE, side="long").missing == 0
    assert model.predict({**TRADE, "rsi": math.nan}).missing == 1
    assert model.predict({"rsi": 1.0, "unknown": 2.0}).missing == 2
    assert model.predict({"RSI": 1.0}, side="long", symbol="BTC").missing == 3


def test_trade_without_any_known_feature_is_logged_once_for_each_version(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    bot.api.activate("v1", learnt())
    model = bot.start()
    unknown = {f"RSI_{number}": 1.0 for number in range(12)}
    for _ in range(3):
        model.predict(unknown, side="long")
    model.predict({"rsi": 1.0})
    [told] = caplog.messages
    assert "none of the features that v1 wants was given" in told
    assert "'RSI_0'" in told
    assert "'RSI_9' and 2 more" in told
    assert "'RSI_10'" not in told
    assert {"'rsi'", "'volume'", "'adx'"} == set(told.partition("wanted ")[2].split(", "))

    bot.api.activate("v2", variant(1))
    model.refresh()
    for _ in range(3):
        model.predict({}, side="long")
    assert [("v2" in each, "given none" in each) for each in caplog.messages] == [
        (False, False),
        (True, True),
    ]


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, 10**400])
@row("B27")
def test_feature_without_a_usable_value_is_missing(bot: Bot, value: Any) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    assert model.predict({**TRADE, "rsi": value}) == model.predict({"volume": 1.0, "adx": -0.2})


@pytest.mark.parametrize("value", [Decimal("0.5"), np.float32(0.5), np.float64(0.5)])
def test_feature_may_be_any_kind_of_number(bot: Bot, value: Any) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    assert model.predict({**TRADE, "rsi": value}) == model.predict({**TRADE, "rsi": 0.5})


@pytest.mark.parametrize("value", [True, np.True_, "31.2", [1.0], 1j])
def test_feature_of_another_kind_is_refused_by_name(bot: Bot, value: Any) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    with pytest.raises(TypeError, match="'rsi' must be a number, not"):
        model.predict({**TRADE, "rsi": value})


def test_side_is_what_the_books_know(bot: Bot) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    assert model.predict(TRADE, side="buy") == model.predict(TRADE, side="long")
    assert model.predict(TRADE, side="sell") == model.predict(TRADE, side="short")
    with pytest.raises(ValueError, match="side must be long, buy, short or sell"):
        model.predict(TRADE, side="Long")
