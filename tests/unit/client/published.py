"""Models as the trainer publishes them, and an API that points bots to one."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import httpx

from autoretrain.domain.json import Json, JsonValue
from autoretrain.domain.models import Artifact, Challenger
from autoretrain_trainer.artifact import read_columns
from autoretrain_trainer.fit import Course, Model, load
from autoretrain_trainer.inputs import feature
from autoretrain_trainer.learner import LightGBMLearner
from tests.unit.trainer.trade_stream import (
    AS_OF,
    STRATEGY,
    FakeArtifacts,
    FakeBooks,
    Reports,
    Trade,
    assignment,
    loaded,
    market,
)

API = "https://api.test"
STORE = "http://store.test"
HANGS_UP = b"where the store ends the connection"
SIDES = {1.0: "long", -1.0: "short"}


@cache
def learnt() -> Artifact:
    """What one whole training publishes."""
    lesson = LightGBMLearner(FakeBooks(market(200)), FakeArtifacts()).learn(
        assignment(), AS_OF, Reports()
    )
    assert isinstance(lesson, Challenger)
    return lesson.served


def variant(seed: int) -> Artifact:
    """Another model, fitted on other trades, with other columns in another order."""
    trades = loaded(market(120, seed=seed))
    course = Course.of(trades, {})
    names = [*course.inputs[seed % 3 :], *course.inputs[: seed % 3]][: 4 + seed % 2]
    model = replace(course, inputs=(*names, feature(f"absent_{seed}"))).fit(trades, _Silent())
    inputs: list[JsonValue] = [column.to_json() for column in model.inputs]
    described: Json = {"file": "model.txt", "sha256": model.sha256, "bytes": len(model.text)}
    manifest = {**learnt().manifest, "inputs": inputs, "model": described}
    return Artifact(model.text, manifest)


def trainers(artifact: Artifact) -> Model:
    """The model as the trainer itself reads it."""
    return load(artifact.model_text, *read_columns(artifact.manifest))


def asked(trade: Trade) -> dict[str, Any]:
    """The trade as a bot asks about it."""
    return {
        "features": dict(trade.features),
        "side": SIDES.get(trade.side),
        "symbol": trade.symbol,
    }


def odd_trades() -> list[Trade]:
    """Trades of every kind: whole, without a feature, a side or a symbol, with too many."""
    whole = market(40, seed=5)
    changes: Sequence[dict[str, Any]] = [
        {},
        {"features": {"rsi": 0.3}},
        {"features": {"rsi": 0.3, "volume": -1.0, "adx": 2.0, "unknown": 7.0}},
        {"features": {"volume": math.nan, "adx": 2.0}},
        {"side": math.nan},
        {"symbol": None},
        {"symbol": "SOL"},
        {"features": {}, "side": math.nan, "symbol": None},
    ]
    return [replace(trade, **changes[number % len(changes)]) for number, trade in enumerate(whole)]


@dataclass
class FakeApi:
    """The route that bots poll, and the store that it points to."""

    api: str = API
    store: str = STORE
    pointer: Mapping[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    down: bool = False
    heard: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def activate(self, version: str, artifact: Artifact, **changes: Any) -> None:
        """Point to the model; `changes` are to the pointer."""
        self.files[f"/{version}/model.txt"] = artifact.model_text
        self.files[f"/{version}/manifest.json"] = artifact.manifest_text
        self.pointer = pointer(
            version=version,
            sha256=artifact.sha256,
            manifest_sha256=artifact.manifest_sha256,
            model_url=f"{self.store}/{version}/model.txt?signature=secret",
            manifest_url=f"{self.store}/{version}/manifest.json?signature=secret",
            **changes,
        )

    def lose_model(self, version: str) -> None:
        """The store has the model's file no more."""
        del self.files[f"/{version}/model.txt"]

    def reply(self, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        self.heard.append((path, headers))
        if self.down:
            return 503, {}, b'{"message":"Service Unavailable"}'
        if path in self.files:
            return 200, {}, self.files[path]
        if path != f"/api/ai-strategies/{STRATEGY}/active-model":
            return 404, {}, b'{"message":"Not Found"}'
        body = json.dumps(self.pointer).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        if headers.get("if-none-match") == etag:
            return 304, {"ETag": etag}, b""
        return 200, {"ETag": etag}, body

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if self.files.get(request.url.path) == HANGS_UP:
            raise httpx.ReadError("hung up", request=request)
        status, headers, body = self.reply(request.url.path, request.headers)
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


class _Silent:
    """Hears of boosting rounds, and is silent about them."""

    def __call__(self, round: int, rounds: int) -> None: ...


def pointer(**changes: Any) -> dict[str, Any]:
    """What the route answers where there is no model, but for the changes."""
    nothing: dict[str, Any] = {
        "strategy_id": str(STRATEGY),
        "version": None,
        "sha256": None,
        "manifest_sha256": None,
        "model_url": None,
        "manifest_url": None,
        "url_expires_at": None,
        "created_at": None,
        "expired": False,
        "expires_at": None,
        "below_base_rate": False,
        "pinned": False,
        "base_rate": 0.5512,
        "base_rate_trades": 300,
    }
    return nothing | changes
