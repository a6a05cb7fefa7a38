"""Owns the Lambda stand-in: the Invoke operation, answered by the real handlers."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from threading import Condition
from typing import Any
from urllib.parse import unquote, urlsplit

from autoretrain_local.endpoints import Request, Response, error_response
from autoretrain_local.lambda_sandbox import Context, Function, Outcome, Sandbox

__all__ = ["Context", "Function", "Lambda", "Outcome", "UnknownFunction"]

PREFIX = "/2015-03-31/functions/"

_INVOCATIONS = re.compile(rf"{PREFIX}([^/]+)/invocations")
_MAX_BYTES = {"Event": 1_048_576, "RequestResponse": 6_291_556}
_RETRY_DELAYS_SECONDS = (60.0, 120.0)


class UnknownFunction(Exception):
    """No function has this name."""


class Lambda:
    """Functions by name, each in one sandbox: never two events of one function at once."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        retry_delays_seconds: Sequence[float] = _RETRY_DELAYS_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._changed = Condition()
        self._sandboxes = {
            name: Sandbox(name, function, retry_delays_seconds, clock, self._changed)
            for name, function in functions.items()
        }

    def invoke(self, name: str, event: Any) -> Outcome:
        """Run the function and wait for its answer. Raises UnknownFunction."""
        return self._sandbox(name).run(json.dumps(event).encode(), str(uuid.uuid4()))

    def invoke_async(self, name: str, event: Any) -> str:
        """Queue the event and return its request id. Raises UnknownFunction."""
        return self._sandbox(name).accept(json.dumps(event).encode())

    def drain(self, timeout_seconds: float) -> None:
        """Wait until no event is waiting or running, retries included. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(self._is_idle, timeout_seconds):
                raise TimeoutError(f"Functions are still busy after {timeout_seconds:.0f} s.")

    def close(self) -> None:
        for sandbox in self._sandboxes.values():
            sandbox.close()

    def answer(self, request: Request) -> Response:
        """The Invoke operation: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""
        asked = _INVOCATIONS.fullmatch(urlsplit(request.path).path)
        if asked is None:
            return error_response(404, "UnknownOperationException", f"No such: {request.path}")
        try:
            sandbox = self._sandbox(_bare_name(unquote(asked[1])))
        except UnknownFunction as error:
            return error_response(404, "ResourceNotFoundException", f"Function not found: {error}")
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        return _refusal(kind, request.body) or _invoke(sandbox, kind, request.body or b"{}")

    def _sandbox(self, name: str) -> Sandbox:
        if name not in self._sandboxes:
            raise UnknownFunction(name)
        return self._sandboxes[name]

    def _is_idle(self) -> bool:
        return all(sandbox.is_idle for sandbox in self._sandboxes.values())


def _bare_name(name: str) -> str:
    """The function of a name or an ARN, whole or partial, with or without a qualifier."""
    return name.rpartition("function:")[2].partition(":")[0]


def _refusal(kind: str, payload: bytes) -> Response | None:
    if kind not in {"DryRun", *_MAX_BYTES}:
        message = f"Invocation type {kind} is unknown."
        return error_response(400, "InvalidParameterValueException", message)
    limit = _MAX_BYTES.get(kind, len(payload))
    if len(payload) > limit:
        message = f"{len(payload)} byte payload is too large for {kind} (limit {limit} bytes)"
        return error_response(413, "RequestTooLargeException", message)
    try:
        json.loads(payload or b"{}")
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        return error_response(400, "InvalidRequestContentException", message)
    return None


def _invoke(sandbox: Sandbox, kind: str, payload: bytes) -> Response:
    if kind == "DryRun":
        return Response(204)
    if kind == "Event":
        return Response(202, headers={"x-amzn-RequestId": sandbox.accept(payload)})
    request_id = str(uuid.uuid4())
    outcome = sandbox.run(payload, request_id)
    headers = {"x-amzn-RequestId": request_id, "X-Amz-Executed-Version": "$LATEST"}
    if outcome.error is not None:
        headers["X-Amz-Function-Error"] = outcome.error
    return Response(200, outcome.payload, headers)
