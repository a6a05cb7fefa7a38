"""Lambda's asynchronous invoke."""

from __future__ import annotations

import json

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from autoretrain.aws.patience import PATIENT
from autoretrain.domain.json import Json
from autoretrain.errors import InvokeFailed


class LambdaInvoker:
    """See `ports.Invoker`."""

    def __init__(self, function_name: str) -> None:
        self._function_name = function_name
        self._lambda = boto3.client("lambda", config=PATIENT)

    def invoke(self, event: Json) -> None:
        try:
            self._lambda.invoke(
                FunctionName=self._function_name,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except (BotoCoreError, ClientError) as exc:
            raise InvokeFailed(f"{self._function_name} did not take the event: {exc}") from exc
