from __future__ import annotations

import logging
import subprocess
import sys
import threading
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import Any

import httpx
import pytest

from autoretrain_client import ActiveModel, Client
from autoretrain_client.errors import Unavailable
from tests.unit.client.bots import NOW, TOKEN, TRADE, Bot
from tests.unit.client.published import API, learnt, pointer, variant
from tests.unit.trainer.trade_stream import STRATEGY


def test_new_model_takes_over_at_the_next_poll(bot: Bot) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    assert model.predict(TRADE).model_version == "v1"
    bot.api.activate("v2", variant(1))
    bot.clock.now += timedelta(minutes=1)
    status = model.refresh()
    assert (status.version, status.loaded_at, status.error) == ("v2", bot.clock.now, None)
    assert model.predict(TRADE).model_version == "v2"


def test_unchanged_model_is_not_downloaded_again(bot: Bot) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    bot.clock.now += timedelta(minutes=1)
    assert model.refresh().last_success_at == bot.clock.now
    bot.api.activate("v1", learnt(), base_rate=0.6)
    model.refresh()
    assert model.status.loaded_at == NOW
    assert sum(path.endswith("model.txt") for path, _ in bot.api.heard) == 1


def test_model_is_downloaded_without_the_token(bot: Bot) -> None:
    bot.api.activate("v1", learnt())
    bot.start()
    shown = {path: headers.get("authorization") for path, headers in bot.api.heard}
    assert shown.pop(f"/api/ai-strategies/{STRATEGY}/active-model") == f"Bearer {TOKEN}"
    assert shown == {"/v1/model.txt": None, "/v1/manifest.json": None}


def test_only_what_changes_is_logged_and_no_request(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bot.api.activate("v1", learnt())
    model = bot.start()
    for _ in range(3):
        model.refresh()
    assert caplog.messages == [f"Active model of {STRATEGY}: v1"]

    list(model_client(bot).strategies())
    assert "HTTP Request: GET https://api.test/api/ai-strategies?" in caplog.text


def model_client(bot: Bot) -> Client:
    """A client of the same bot's that polls nothing."""
    bot.api.files["/api/ai-strategies"] = b'{"items": [], "next": null}'
    return bot.closing.enter_context(Client(API, TOKEN, transport=bot.api.transport()))


def test_poll_that_fails_is_logged_when_that_changes_or_ends(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    caplog.clear()
    caplog.set_level(logging.WARNING)

    bot.api.down = True
    for _ in range(3):
        model.refresh()
    bot.api.down = False
    bot.api.activate("v2", variant(1))
    bot.api.lose_model("v2")
    for _ in range(3):
        model.refresh()
    bot.api.activate("v2", variant(1))
    for _ in range(3):
        model.refresh()
    bot.api.down = True
    model.refresh()

    down = (
        "the service is not available now: try again later; `GET /health` says what is wrong, such"
        " as a database that is down, and the log why"
    )
    told = (down, "the model store answers 404 for the model", "answers again", down)
    assert caplog.messages == [f"Active model of {STRATEGY}: {each}" for each in told]


def test_old_model_stays_and_gets_stale_when_the_api_is_down(bot: Bot) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start(poll_seconds=60)
    bot.api.down = True
    bot.clock.now += timedelta(seconds=180)
    model.refresh()
    assert not model.predict(TRADE).stale
    bot.clock.now += timedelta(seconds=1)
    prediction = model.predict(TRADE)
    assert (prediction.stale, prediction.model_version, prediction.source) == (True, "v1", "model")
    assert model.status.stale
    assert isinstance(model.last_error, Unavailable)

    bot.api.down = False
    assert not model.refresh().stale


def test_bug_in_a_poll_is_told_and_changes_nothing(bot: Bot) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    bot.closing.close()
    bot.api.activate("v2", variant(1))
    status = model.refresh()
    assert status.version == "v1"
    assert status.error is not None
    assert status.error.startswith("RuntimeError: ")


def test_one_poll_is_one_request_when_the_api_is_down(bot: Bot) -> None:
    bot.api.down = True
    bot.start()
    assert len(bot.api.heard) == 1


def test_first_load_that_fails_is_told(bot: Bot) -> None:
    bot.api.down = True
    model = bot.start()
    prediction = model.predict(TRADE)
    assert (prediction.win_probability, prediction.source) == (None, "none")
    assert prediction.stale
    assert isinstance(model.last_error, Unavailable)


def test_first_load_that_fails_is_raised_when_a_model_is_required(bot: Bot) -> None:
    bot.api.down = True
    with pytest.raises(Unavailable):
        bot.start(require=True)


def test_first_load_that_takes_too_long_is_not_waited_for() -> None:
    released = Event()

    def hang(request: httpx.Request) -> httpx.Response:
        released.wait()
        return httpx.Response(503)

    with (
        Client(API, TOKEN, transport=httpx.MockTransport(hang)) as client,
        ActiveModel(client, STRATEGY, first_load_seconds=0.0) as model,
    ):
        assert model.predict(TRADE).source == "none"
        with pytest.raises(Unavailable, match="takes too long"):
            ActiveModel(client, STRATEGY, first_load_seconds=0.0, require=True)
        released.set()


def test_polling_goes_on_until_the_model_is_closed(bot: Bot) -> None:
    bot.api.pointer = pointer()
    with bot.start(poll_seconds=0.001) as model:
        bot.api.activate("v1", learnt())
        until = monotonic() + 30
        while model.status.version is None and monotonic() < until:
            pass
    heard = len(bot.api.heard)
    assert "active-model" not in {thread.name for thread in threading.enumerate()}
    assert model.predict(TRADE).source == "model"
    assert len(bot.api.heard) == heard


def test_bot_ends_without_closing_its_model() -> None:
    program = (
        "import httpx; from autoretrain_client import ActiveModel, Client;"
        "down = httpx.MockTransport(lambda request: httpx.Response(503));"
        f"ActiveModel(Client('{API}', 't', transport=down), '{STRATEGY}', poll_seconds=0.01)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert done.returncode == 0


def test_bot_is_told_what_to_install_when_lightgbm_is_missing() -> None:
    program = (
        "import sys; sys.modules['lightgbm'] = None;"
        "from autoretrain_client import Client;"
        "from autoretrain_client import ActiveModel"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.stderr.splitlines()[-1] == (
        "ImportError: ActiveModel needs LightGBM: pip install autoretrain-client[bot]"
    )


SHOWN = "the id of the strategy, as `autoretrain strategies` shows it"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"poll_seconds": 0}, "must be above 0"),
        ({"strategy_id": "../secrets"}, f"{SHOWN}: a UUID, not '../secrets'"),
        ({"strategy_id": "Mean Reversion BTC"}, SHOWN),
    ],
)
def test_active_model_refuses_what_cannot_work(options: dict[str, Any], told: str) -> None:
    with Client(API, TOKEN) as client, pytest.raises(ValueError, match=told):
        ActiveModel(client, **{"strategy_id": STRATEGY} | options)
