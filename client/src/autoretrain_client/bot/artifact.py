"""Decides whether downloaded bytes are the published model, before anything reads them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from autoretrain_client.answers import Pointer
from autoretrain_client.errors import ModelRefused

FORMAT = 1


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


def verify(artifact: Artifact, pointer: Pointer) -> Columns:
    """The columns of a model that is what the pointer says. Raises ModelRefused."""
    _check(artifact.manifest, pointer.manifest_sha256, "manifest")
    _check(artifact.text, pointer.sha256, "model")
    try:
        manifest = json.loads(artifact.manifest)
    except ValueError as exc:
        raise ModelRefused("the manifest is no JSON") from exc
    return _columns(manifest, pointer)


def _check(content: bytes, sha256: str | None, what: str) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelRefused(f"the {what} is not the one that was published: its sha256 differs")


def _columns(manifest: object, pointer: Pointer) -> Columns:
    match manifest:
        case {"format": 1, "model": {"sha256": pointer.sha256}, "inputs": list(inputs), **rest}:
            symbols = rest.get("symbols", [])
            if isinstance(symbols, list):
                return Columns(tuple(map(_input, inputs)), tuple(map(str, symbols)))
        case {"format": 1, "inputs": list()}:
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
