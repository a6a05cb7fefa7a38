"""Where there is no model, or one that expired, a bot gets the base rate and is told so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from autoretrain_client.errors import Unavailable
from tests.unit.client.bots import NOW, TRADE, Bot
from tests.unit.client.published import learnt, pointer


def test_base_rate_is_given_when_there_is_no_model(bot: Bot) -> None:
    bot.api.pointer = pointer()
    model = bot.start()
    prediction = model.predict(TRADE)
    assert (prediction.win_probability, prediction.source) == (0.5512, "base_rate")
    assert (prediction.model_version, prediction.stale, prediction.expired) == (None, False, False)
    assert model.last_error is None


def test_nothing_is_given_when_there_is_no_trade_either(bot: Bot) -> None:
    bot.api.pointer = pointer(base_rate=None, base_rate_trades=0)
    prediction = bot.start().predict(TRADE)
    assert (prediction.win_probability, prediction.source) == (None, "none")


def test_base_rate_is_given_when_the_model_is_withdrawn(bot: Bot) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    bot.api.pointer = pointer()
    model.refresh()
    assert model.predict(TRADE).source == "base_rate"


def test_base_rate_is_given_when_the_server_says_expired(bot: Bot) -> None:
    bot.api.activate("v1", learnt(), expired=True)
    model = bot.start()
    prediction = model.predict(TRADE)
    assert (prediction.source, prediction.expired) == ("base_rate", True)
    assert prediction.model_version is None
    assert model.status.expired


def test_base_rate_is_given_when_the_model_expires_between_polls(bot: Bot) -> None:
    bot.api.activate("v1", learnt(), expires_at=(NOW + timedelta(hours=1)).isoformat())
    model = bot.start()
    bot.clock.now += timedelta(minutes=59)
    assert model.predict(TRADE).source == "model"
    bot.clock.now += timedelta(minutes=1)
    prediction = model.predict(TRADE)
    assert (prediction.source, prediction.expired) == ("base_rate", True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (timedelta(hours=1), timedelta(hours=3)),
        (timedelta(hours=3), timedelta(hours=2)),
        (None, timedelta(hours=2)),
        (timedelta(hours=1), None),
    ],
)
def test_model_expires_as_the_newest_poll_has_told(
    before: timedelta | None, after: timedelta | None, bot: Bot
) -> None:
    bot.api.activate("v1", learnt(), expires_at=until(before))
    model = bot.start()
    bot.api.heard.clear()
    bot.api.activate("v1", learnt(), expires_at=until(after))
    model.refresh()
    assert [path.rpartition("/")[2] for path, _ in bot.api.heard] == ["active-model"]

    bot.clock.now = NOW + (after or timedelta(days=1000)) - timedelta(seconds=1)
    assert model.predict(TRADE).source == "model"
    bot.clock.now += timedelta(seconds=1)
    assert model.predict(TRADE).expired == model.status.expired == (after is not None)


def until(lifetime: timedelta | None) -> str | None:
    return None if lifetime is None else (NOW + lifetime).isoformat()


def test_status_says_when_the_model_is_below_the_base_rate(bot: Bot) -> None:
    bot.api.activate("v1", learnt(), below_base_rate=True)
    assert bot.start().status.below_base_rate


@pytest.mark.parametrize(("told", "known"), [(True, True), (False, False), (None, False)])
def test_prediction_says_when_the_model_is_below_the_base_rate(
    told: bool | None, known: bool, bot: Bot
) -> None:
    bot.api.activate("v1", learnt(), below_base_rate=told)
    prediction = bot.start().predict(TRADE)
    assert (prediction.source, prediction.below_base_rate) == ("model", known)


def test_base_rate_is_given_when_the_first_model_cannot_be_trusted(bot: Bot) -> None:
    bot.api.activate("v1", learnt())
    bot.api.files["/v1/model.txt"] += b" "
    model = bot.start()
    prediction = model.predict(TRADE)
    assert (prediction.win_probability, prediction.source) == (0.5512, "base_rate")
    assert prediction.model_version is None
    assert model.status.version is None
    assert "is longer than" in str(model.status.error)

    bot.api.activate("v1", learnt(), base_rate=0.6)
    bot.api.lose_model("v1")
    model.refresh()
    assert model.predict(TRADE).win_probability == 0.6
    with pytest.raises(Unavailable):
        bot.start(require=True)

    bot.api.activate("v1", learnt())
    assert model.refresh().version == "v1"
    assert model.predict(TRADE).source == "model"
