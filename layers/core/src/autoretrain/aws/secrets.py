"""The one secret, JSON `{"url", "ca", "jwt_secret"}`: never in an environment or a log."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from autoretrain.aws.patience import PATIENT
from autoretrain.errors import BadSetting, DependencyError

RECENT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Secret:
    """The database's address, the PEM that vouches for its server, and what HS256 web tokens are
    signed with."""

    url: str = field(repr=False)
    ca: str | None = field(repr=False, default=None)
    jwt_secret: str | None = field(repr=False, default=None)


class KeptSecret:
    """Reads the secret when it is needed, and remembers it for whoever can do with five minutes
    ago: secrets rotate."""

    def __init__(self, secret_arn: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._secret_arn = secret_arn
        self._clock = clock
        self._kept: tuple[Secret, float] | None = None

    def fresh(self) -> Secret:
        """Raises BadSetting and DependencyError, see `read_secret`."""
        secret = read_secret(self._secret_arn)
        self._kept = secret, self._clock()
        return secret

    def recent(self) -> Secret:
        """The secret as it was at most 300 s ago. Raises as `fresh` does."""
        if self._kept is not None:
            secret, read_at = self._kept
            if self._clock() - read_at < RECENT_SECONDS:
                return secret
        return self.fresh()


def read_secret(secret_arn: str) -> Secret:
    """Raises BadSetting for a secret that is absent or not such JSON, DependencyError."""
    try:
        answer = boto3.client("secretsmanager", config=PATIENT).get_secret_value(
            SecretId=secret_arn
        )
    except ClientError as exc:
        code = exc.response["Error"]["Code"]
        if code in ("ResourceNotFoundException", "AccessDeniedException"):
            raise BadSetting(
                f"the database secret DATABASE_SECRET_ARN cannot be read ({code}):"
                " check its name and this function's permission"
            ) from exc
        raise DependencyError(f"Secrets Manager does not answer: {code}") from exc
    except BotoCoreError as exc:
        raise DependencyError(f"Secrets Manager cannot be reached: {exc}") from exc
    return _parsed(answer.get("SecretString", ""))


def _parsed(text: str) -> Secret:
    """The parser's own error repeats the secret: it is not passed on."""
    try:
        given: Any = json.loads(text)
    except json.JSONDecodeError:
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("url"), str):
        raise BadSetting('the database secret is not JSON of the form {"url": …}')
    for name in ("ca", "jwt_secret"):
        if not isinstance(given.get(name), str | None):
            raise BadSetting(f"{name} of the database secret is not a text")
    return Secret(given["url"], given.get("ca") or None, given.get("jwt_secret") or None)
