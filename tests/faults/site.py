"""The API in this process, on the database that its secret leads to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import boto3
import pytest

from autoretrain_api.people import people
from tests.unit.api.conftest import SETTINGS, Told, event, handler
from tests.unit.api.people import USER
from tests.world import World


@dataclass
class Site:
    """Of one user with one strategy."""

    world: World
    secret_arn: str
    strategy_id: UUID

    def call(self, method: str, path: str, body: Any = None) -> Told:
        asked = event(method, path, "read retrain manage", {})
        if body is not None:
            asked["body"] = json.dumps(body)
        answer = handler(asked, None)
        return Told(answer["statusCode"], answer["headers"], answer["body"])

    def rotate(self, url: str, *, keep_connections: bool = False) -> None:
        """The secret leads elsewhere now."""
        boto3.client("secretsmanager").put_secret_value(
            SecretId=self.secret_arn, SecretString=json.dumps({"url": url})
        )
        if not keep_connections:
            people.cache_clear()


@contextmanager
def site_on(world: World, bucket: str) -> Iterator[Site]:
    strategy_id = world.strategy(user_id=USER)
    world.trades(strategy_id, [1.0, -1.0] * 60)
    secret = boto3.client("secretsmanager").create_secret(
        Name=bucket, SecretString=json.dumps({"url": world.url})
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        patch.setenv("DATABASE_SECRET_ARN", secret["ARN"])
        patch.setenv("ECS_CLUSTER", "training")
        patch.setenv("MODEL_BUCKET", bucket)
        people.cache_clear()
        yield Site(world, secret["ARN"], strategy_id)
        people.cache_clear()
