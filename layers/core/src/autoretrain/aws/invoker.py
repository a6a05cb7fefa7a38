"""Lambda's asynchronous invoke."""

from __future__ import annotations

import json

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
        connections = Config(max_pool_connections=threads)
        self._lambda = boto3.client("lambda", config=PATIENT.merge(connections))

    def invoke(self, event: Json) -> None:
        try:
            self._lambda.invoke(
                FunctionName=self._function_name,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except (BotoCoreError, ClientError) as exc:
            raise InvokeFailed(f"{self._function_name} did not take the event: {exc}") from exc
