"""Fetches what a bot is to use now, and hands on nothing that is not verified."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from threading import get_ident
from uuid import UUID

import httpx

from autoretrain_client import calls
from autoretrain_client.answers import Pointer
from autoretrain_client.bot.artifact import (
    LARGEST_MANIFEST_BYTES,
    Artifact,
    read_manifest,
    verify,
)
from autoretrain_client.bot.model import Model, load
from autoretrain_client.client import Client
from autoretrain_client.errors import ModelRefused, NotUnderstood, Unavailable

_DOWNLOAD_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Held:
    """What the API pointed to, and the model of it: they change together or not at all."""

    pointer: Pointer
    artifact: Artifact | None = None
    model: Model | None = None

    def is_of(self, pointer: Pointer) -> bool:
        """Whether the pointer says nothing new about the model itself."""
        return _identity(self.pointer) == _identity(pointer)

    def expired(self, now: datetime) -> bool:
        """Whether the model is too old to be believed, also where no poll has told so yet."""
        until = self.pointer.expires_at
        return self.pointer.expired or (until is not None and now >= until)


@dataclass(frozen=True, slots=True)
class Source:
    """Where one strategy's active model comes from."""

    client: Client
    strategy_id: UUID
    transport: httpx.BaseTransport | None

    def pointer(self, held: Held | None) -> Pointer:
        """What the API points to now, the very same object where nothing has changed.

        Raises AutoRetrainClientError, at once: the next poll is the next try.
        """
        etag = None if held is None else held.pointer.etag
        call = replace(calls.active_model(self.strategy_id, etag=etag), attempts=1)
        with _unlogged():  # one line with every poll, of every bot
            pointer = self.client.hold(call)
        return _unchanged(held) if pointer is None else pointer

    def follow(self, pointer: Pointer, held: Held | None) -> Held:
        """What the pointer leads to, the very same object where that is held already.

        Raises AutoRetrainClientError, at once.
        """
        if held is not None and held.pointer is pointer:
            return held
        if held is not None and held.is_of(pointer):
            return replace(held, pointer=pointer)
        return open_artifact(pointer, self._download(pointer) if pointer.version else None)

    def _download(self, pointer: Pointer) -> Artifact:
        # A client of its own: the store's URLs need no token, and must not be shown it.
        # Whoever a redirect leads to is not the store that the API has named.
        store = httpx.Client(
            transport=self.transport,
            timeout=_DOWNLOAD_SECONDS,
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
        )
        with store, _unlogged():
            manifest = _content(store, pointer.manifest_url, "manifest", LARGEST_MANIFEST_BYTES)
            model_bytes = read_manifest(manifest, pointer).model_bytes
            return Artifact(manifest, _content(store, pointer.model_url, "model", model_bytes))


def open_artifact(pointer: Pointer, artifact: Artifact | None) -> Held:
    """The pointer with its model, if it has one. Raises ModelRefused."""
    if artifact is None:
        return Held(pointer)
    columns = verify(artifact, pointer)
    return Held(pointer, artifact, load(artifact, columns))


@contextmanager
def _unlogged() -> Iterator[None]:
    """httpx logs every URL that it opens; whoever reads one of the store's has the model."""
    logger, me = logging.getLogger("httpx"), get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != me

    logger.addFilter(of_others)
    try:
        yield
    finally:
        logger.removeFilter(of_others)


def _unchanged(held: Held | None) -> Pointer:
    if held is None:
        raise NotUnderstood("nothing is said to have changed, and nothing was known")
    return held.pointer


def _content(store: httpx.Client, url: str | None, what: str, most_bytes: int) -> bytes:
    try:
        with store.stream("GET", url or "") as response:
            if not response.is_success:
                raise Unavailable(f"the model store answers {response.status_code} for the {what}")
            return _read(response, what, most_bytes)
    except (httpx.RequestError, httpx.InvalidURL) as exc:
        # Without its cause, which knows the URL.
        raise Unavailable(f"the {what} cannot be downloaded: {type(exc).__name__}") from None


def _read(response: httpx.Response, what: str, most_bytes: int) -> bytes:
    content = bytearray()
    for chunk in response.iter_raw():  # as it is stored: unpacked, a little may be very much
        content += chunk
        if len(content) > most_bytes:
            raise ModelRefused(f"the {what} is longer than {most_bytes:,} bytes, all it may have")
    return bytes(content)


def _identity(pointer: Pointer) -> tuple[str | None, ...]:
    return pointer.version, pointer.sha256, pointer.manifest_sha256
