"""Lambda's asynchronous invoke."""

from __future__ import annotations

import json
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from autoretrain.aws.patience import PATIENT
from autoretrain.domain.json import Json
from autoretrain.errors import InvokeFailed


class LambdaInvoker:
    """See `ports.Invoker`. So many threads may call at the same time without waiting."""

    def __init__(self, function_name: str, threads: int = 1) -> None:
        self._function_name = function_name
        self._config = PATIENT.merge(Config(max_pool_connections=threads))
        self._making = Lock()
        self._made: Any = None

    def invoke(self, event: Json) -> None:
        try:
            self._lambda().invoke(
                FunctionName=self._function_name,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except (BotoCoreError, ClientError) as exc:
            raise InvokeFailed(f"{self._function_name} did not take the event: {exc}") from exc

    def _lambda(self) -> Any:
        """Made by the first thread that has something to send: most ticks have nothing, and to make
        it takes longer than they do."""
        with self._making:
            if self._made is None:
                self._made = boto3.client("lambda", config=self._config)
            return self._made
