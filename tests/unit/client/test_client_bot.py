from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import Any

import httpx
import pytest

from autoretrain.domain.models import Artifact
from autoretrain_client import ActiveModel, Client
from autoretrain_client.errors import ModelRefused, Unavailable
from tests.unit.client.bots import NOW, TOKEN, TRADE, Bot
from tests.unit.client.published import (
    API,
    HANGS_UP,
    STORE,
    FakeApi,
    learnt,
    pointer,
    variant,
)
from tests.unit.trainer.trade_stream import STRATEGY


@pytest.fixture
def bot() -> Iterator[Bot]:
    bot = Bot()
    with bot.closing:
        yield bot


def with_manifest(artifact: Artifact, **changes: Any) -> Artifact:
    return replace(artifact, manifest={**artifact.manifest, **changes})


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
    absent(bot.api)
    for _ in range(3):
        model.refresh()
    bot.api.activate("v2", variant(1))
    for _ in range(3):
        model.refresh()
    bot.api.down = True
    model.refresh()

    down = "the service is not available now: try again later"
    told = (down, "the model store answers 404 for the model", "answers again", down)
    assert caplog.messages == [f"Active model of {STRATEGY}: {each}" for each in told]


def truncated(api: FakeApi) -> None:
    api.files["/v2/model.txt"] = api.files["/v2/model.txt"][:100]


def one_digit_changed(api: FakeApi) -> None:
    text = api.files["/v2/model.txt"]
    api.files["/v2/model.txt"] = text.replace(b"leaf_value=0", b"leaf_value=1", 1)
    assert api.files["/v2/model.txt"] != text


def manifest_changed(api: FakeApi) -> None:
    api.files["/v2/manifest.json"] += b" "


def absent(api: FakeApi) -> None:
    absent_of(api, "v2")


def absent_of(api: FakeApi, version: str) -> None:
    del api.files[f"/{version}/model.txt"]


def published_garbage(api: FakeApi) -> None:
    """Hashes that agree, of a manifest that is none."""
    api.files["/v2/manifest.json"] = b"garbage"
    api.pointer = {**api.pointer, "manifest_sha256": hashlib.sha256(b"garbage").hexdigest()}


def of_another_model(api: FakeApi) -> None:
    api.activate("v2", with_manifest(variant(1), model={"sha256": "0" * 64}))


def of_a_newer_format(api: FakeApi) -> None:
    api.activate("v2", with_manifest(variant(1), format=2))


def with_a_column_less(api: FakeApi) -> None:
    api.activate("v2", with_manifest(variant(1), inputs=[{"feature": "rsi"}]))


def with_an_unknown_input(api: FakeApi) -> None:
    api.activate("v2", with_manifest(variant(1), inputs=[{"trade": "mood"}]))


def longer_than_stated(api: FakeApi) -> None:
    api.files["/v2/model.txt"] += b" "


def stating_no_length(api: FakeApi) -> None:
    api.activate("v2", with_manifest(variant(1), model={"sha256": variant(1).sha256}))


def store_down(api: FakeApi) -> None:
    api.files["/v2/model.txt"] = HANGS_UP


@pytest.mark.parametrize(
    ("harm", "error"),
    [
        (truncated, ModelRefused),
        (one_digit_changed, ModelRefused),
        (manifest_changed, ModelRefused),
        (absent, Unavailable),
        (published_garbage, ModelRefused),
        (of_another_model, ModelRefused),
        (of_a_newer_format, ModelRefused),
        (with_a_column_less, ModelRefused),
        (with_an_unknown_input, ModelRefused),
        (longer_than_stated, ModelRefused),
        (stating_no_length, ModelRefused),
        (store_down, Unavailable),
    ],
)
def test_old_model_stays_when_the_new_one_cannot_be_trusted(
    bot: Bot,
    harm: Callable[[FakeApi], None],
    error: type[Exception],
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start()
    before = model.predict(TRADE)
    bot.api.activate("v2", variant(1))
    harm(bot.api)
    with caplog.at_level(logging.WARNING):
        assert model.refresh().version == "v1"
    assert isinstance(model.last_error, error)
    assert model.status.error == str(model.last_error)
    assert "secret" not in caplog.text
    assert model.predict(TRADE) == before

    bot.api.activate("v2", variant(1))
    recovered = model.refresh()
    assert (recovered.version, recovered.error) == ("v2", None)


@dataclass
class Endless(httpx.SyncByteStream):
    """A download that never ends, and counts what is taken of it."""

    taken: int = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.taken += 2**16
            yield bytes(2**16)


@pytest.mark.parametrize(("file", "most"), [("model.txt", 2**16), ("manifest.json", 8 * 2**20)])
def test_download_ends_where_it_gets_too_long(file: str, most: int, bot: Bot) -> None:
    endless = Endless()

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(file):
            return httpx.Response(200, stream=endless)
        return bot.api.transport().handle_request(request)

    bot.api.activate("v1", learnt())
    model = bot.start(transport=httpx.MockTransport(serve))
    assert "is longer than" in str(model.last_error)
    assert endless.taken <= most + 2**16


def test_model_that_states_too_many_bytes_is_not_downloaded(bot: Bot) -> None:
    stated = {"sha256": learnt().sha256, "bytes": 64 * 2**20 + 1}
    bot.api.activate("v1", with_manifest(learnt(), model=stated))
    model = bot.start()
    assert isinstance(model.last_error, ModelRefused)
    assert [path.rpartition("/")[2] for path, _ in bot.api.heard] == [
        "active-model",
        "manifest.json",
    ]


@pytest.mark.parametrize("status", [301, 302, 307])
def test_redirected_download_is_an_error_with_its_status(status: int, bot: Bot) -> None:
    asked: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(status, headers={"Location": f"{STORE}/elsewhere"})

    bot.api.activate("v1", learnt())
    model = bot.start(transport=httpx.MockTransport(redirect))
    assert str(model.last_error) == f"the model store answers {status} for the manifest"
    assert asked == ["/v1/manifest.json"]


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
    absent_of(bot.api, "v1")
    model.refresh()
    assert model.predict(TRADE).win_probability == 0.6
    with pytest.raises(Unavailable):
        bot.start(require=True)

    bot.api.activate("v1", learnt())
    assert model.refresh().version == "v1"
    assert model.predict(TRADE).source == "model"


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
