"""Fetches what a bot is to use now, and hands on nothing that is not verified."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import httpx

from autoretrain_client import calls
from autoretrain_client.answers import Pointer
from autoretrain_client.bot.artifact import Artifact, read_manifest, verify
from autoretrain_client.bot.model import Model, load
from autoretrain_client.client import Client
from autoretrain_client.errors import NotUnderstood
from autoretrain_client.store import LARGEST_MANIFEST_BYTES, content, open_store, unlogged


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
        with unlogged():  # one line with every poll, of every bot
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
        with open_store(self.transport) as store:
            manifest = content(store, pointer.manifest_url, "manifest", LARGEST_MANIFEST_BYTES)
            model_bytes = read_manifest(manifest, pointer).model_bytes
            return Artifact(manifest, content(store, pointer.model_url, "model", model_bytes))


def open_artifact(pointer: Pointer, artifact: Artifact | None) -> Held:
    """The pointer with its model, if it has one. Raises ModelRefused."""
    if artifact is None:
        return Held(pointer)
    columns = verify(artifact, pointer)
    return Held(pointer, artifact, load(artifact, columns))


def _unchanged(held: Held | None) -> Pointer:
    if held is None:
        raise NotUnderstood("nothing is said to have changed, and nothing was known")
    return held.pointer


def _identity(pointer: Pointer) -> tuple[str | None, ...]:
    return pointer.version, pointer.sha256, pointer.manifest_sha256
