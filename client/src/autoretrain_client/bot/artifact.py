"""Decides whether downloaded bytes are the published model, before anything reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from autoretrain_client.answers import Pointer
from autoretrain_client.errors import ModelRefused
from autoretrain_client.store import check

FORMAT = 1
LARGEST_MODEL_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Artifact:
    """A stored model as it lies in the store: its manifest and LightGBM's text."""

    manifest: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Columns:
    """What a model looks at, in its own order, as (origin, name): the origin is `feature`, or
    `trade` for the trade's own side or symbol. A symbol's code is its position plus 1."""

    inputs: tuple[tuple[str, str], ...]
    symbols: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(name for origin, name in self.inputs if origin == "feature")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a verified manifest says of its model."""

    model_bytes: int
    columns: Columns


def verify(artifact: Artifact, pointer: Pointer) -> Columns:
    """The columns of a model that is what the pointer says. Raises ModelRefused."""
    manifest = read_manifest(artifact.manifest, pointer)
    check(artifact.text, pointer.sha256, "model")
    return manifest.columns


def read_manifest(content: bytes, pointer: Pointer) -> Manifest:
    """What the manifest says, if it is the one of the pointer. Raises ModelRefused."""
    check(content, pointer.manifest_sha256, "manifest")
    try:
        stored = json.loads(content)
    except ValueError as exc:
        raise ModelRefused("the manifest is no JSON") from exc
    manifest = _manifest(stored, pointer)
    if manifest.model_bytes > LARGEST_MODEL_BYTES:
        raise ModelRefused(
            f"the model has {manifest.model_bytes:,} bytes, more than {LARGEST_MODEL_BYTES:,}"
        )
    return manifest


def _manifest(stored: object, pointer: Pointer) -> Manifest:
    match stored:
        case {
            "format": 1,
            "model": {"sha256": pointer.sha256, "bytes": int(model_bytes)},
            "inputs": list(inputs),
            **rest,
        }:
            symbols = rest.get("symbols", [])
            if isinstance(symbols, list):
                columns = Columns(tuple(map(_input, inputs)), tuple(map(str, symbols)))
                return Manifest(model_bytes, columns)
        case {"format": 1, "model": {"sha256": str(other)}} if other != pointer.sha256:
            raise ModelRefused("the manifest belongs to another model: its sha256 differs")
    raise ModelRefused(
        f"the manifest is not of format {FORMAT}, the one that this client reads: is it too old?"
    )


def _input(stored: object) -> tuple[str, str]:
    match stored:
        case {"feature": str(name)}:
            return "feature", name
        case {"trade": "side" | "symbol" as name}:
            return "trade", str(name)
    raise ModelRefused("the manifest names an input that this client does not know: is it too old?")
