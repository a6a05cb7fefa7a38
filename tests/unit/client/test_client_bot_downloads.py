"""A model that cannot be trusted is never loaded, and a download always ends."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from autoretrain.domain.models import Artifact
from autoretrain_client.errors import ModelRefused, Unavailable
from tests.unit.client.bots import TRADE, Bot
from tests.unit.client.published import HANGS_UP, STORE, FakeApi, learnt, variant


def with_manifest(artifact: Artifact, **changes: Any) -> Artifact:
    return replace(artifact, manifest={**artifact.manifest, **changes})


def truncated(api: FakeApi) -> None:
    api.files["/v2/model.txt"] = api.files["/v2/model.txt"][:100]


def one_digit_changed(api: FakeApi) -> None:
    text = api.files["/v2/model.txt"]
    api.files["/v2/model.txt"] = text.replace(b"leaf_value=0", b"leaf_value=1", 1)
    assert api.files["/v2/model.txt"] != text


def manifest_changed(api: FakeApi) -> None:
    api.files["/v2/manifest.json"] += b" "


def absent(api: FakeApi) -> None:
    api.lose_model("v2")


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
