"""Decides how a function runs: one event at a time, retried and given up as Lambda does it."""

from __future__ import annotations

import heapq
import json
import logging
import traceback
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition, Lock, Thread
from typing import Any

from autoretrain.errors import DependencyError, OperatorError
from autoretrain_local.endpoints import ACCOUNT, REGION

_MEMORY_MB = "512"
_HOURS_6 = 21_600.0  # Lambda's own longest and default age

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Function:
    """`on_failure` gets Lambda's destination record of an event that was given up."""

    handler: Callable[[Any, Any], Any]
    timeout_seconds: float
    retries: int = 2
    max_age_seconds: float = _HOURS_6
    on_failure: Callable[[dict[str, Any]], None] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The JSON that the function answered; `error` is Unhandled when that describes an error."""

    payload: bytes
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a handler about its invocation."""

    function_name: str
    aws_request_id: str
    deadline: float
    clock: Callable[[], float]
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = _MEMORY_MB  # a string on AWS too
    identity: None = None
    client_context: None = None

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        return self.aws_request_id

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self.deadline - self.clock()) * 1000))


@dataclass(order=True, slots=True)
class _Waiting:
    """An accepted event, ordered by the time at which it may run."""

    due: float
    number: int
    payload: bytes = field(compare=False)
    accepted: float = field(compare=False)
    request_id: str = field(compare=False)
    attempts: int = field(compare=False, default=0)
    last: Outcome | None = field(compare=False, default=None)


class Sandbox:
    """One function and the queue of its asynchronous events.

    `changed` is shared by all sandboxes, so that whoever waits for all of them to be idle sees one
    moment. `clock` counts seconds; it need not be the time of day.
    """

    def __init__(
        self,
        name: str,
        function: Function,
        retry_delays_seconds: Sequence[float],
        clock: Callable[[], float],
        changed: Condition,
    ) -> None:
        self._name = name
        self._function = function
        self._delays = retry_delays_seconds
        self._clock = clock
        self._changed = changed
        self._one_at_a_time = Lock()
        self._queue: list[_Waiting] = []
        self._accepted = 0
        self._busy = False
        self._closed = False
        self._worker = Thread(target=self._work, name=f"lambda-{name}", daemon=True)
        self._worker.start()

    @property
    def is_idle(self) -> bool:
        return not (self._queue or self._busy)

    def accept(self, payload: bytes) -> str:
        """Queue the event and return its request id."""
        now, request_id = self._clock(), str(uuid.uuid4())
        with self._changed:
            self._accepted += 1
            self._push(_Waiting(now, self._accepted, payload, now, request_id))
        return request_id

    def run(self, payload: bytes, request_id: str) -> Outcome:
        """Call the handler now, or as soon as the event before this one is through."""
        with self._one_at_a_time:
            deadline = self._clock() + self._function.timeout_seconds
            outcome = self._call(payload, Context(self._name, request_id, deadline, self._clock))
            if self._clock() > deadline:  # Lambda would have killed it on the spot
                return self._timed_out(request_id)
            return outcome

    def close(self) -> None:
        """Let the event that is running end; those that wait are lost."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._worker.join(self._function.timeout_seconds)

    def _work(self) -> None:
        while (waiting := self._take()) is not None:
            try:
                self._attempt(waiting)
            finally:
                self._rest()

    def _take(self) -> _Waiting | None:
        """Wait for an event that is due; None once the sandbox is closed."""
        with self._changed:
            while not self._closed:
                pause = self._queue[0].due - self._clock() if self._queue else None
                if pause is not None and pause <= 0:
                    self._busy = True
                    return heapq.heappop(self._queue)
                self._changed.wait(pause)
        return None

    def _rest(self) -> None:
        with self._changed:
            self._busy = False
            self._changed.notify_all()

    def _attempt(self, waiting: _Waiting) -> None:
        if self._clock() - waiting.accepted > self._function.max_age_seconds:
            self._give_up(waiting, "EventAgeExceeded")
            return
        waiting.attempts += 1
        waiting.last = self.run(waiting.payload, waiting.request_id)
        if waiting.last.error is None:
            return
        if waiting.attempts > self._function.retries:
            self._give_up(waiting, "RetriesExhausted")
        else:
            self._retry(waiting)

    def _retry(self, waiting: _Waiting) -> None:
        delay = self._delays[min(waiting.attempts, len(self._delays)) - 1]
        _logger.warning("%s failed, next try in %.0f s", self._name, delay)
        waiting.due = self._clock() + delay
        with self._changed:
            self._push(waiting)

    def _push(self, waiting: _Waiting) -> None:
        heapq.heappush(self._queue, waiting)
        self._changed.notify_all()

    def _give_up(self, waiting: _Waiting, condition: str) -> None:
        _logger.error("%s gave an event up: %s", self._name, condition)
        if self._function.on_failure is None:
            return
        try:
            self._function.on_failure(_destination_record(self._name, waiting, condition))
        except Exception:  # Lambda counts it and goes on
            _logger.exception("the failure destination of %s failed", self._name)

    def _call(self, payload: bytes, context: Context) -> Outcome:
        try:
            answer = self._function.handler(json.loads(payload), context)
            return Outcome(json.dumps(answer).encode())
        except (Exception, SystemExit) as error:
            tell_raised(self._name, error)
            return _failure(str(error), type(error).__name__, _stack(error))

    def _timed_out(self, request_id: str) -> Outcome:
        seconds = self._function.timeout_seconds
        message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
        return _failure(message, "Sandbox.Timedout", None)


def tell_raised(function: str, error: BaseException) -> None:
    """A trace only of what may be a bug: the others say what to do, where they come from or not."""
    if isinstance(error, OperatorError | DependencyError):
        _logger.error("%s failed: %s", function, error)
    else:
        _logger.error("%s raised", function, exc_info=error)


def _failure(message: str, kind: str, stack: list[str] | None) -> Outcome:
    described: dict[str, Any] = {"errorMessage": message, "errorType": kind}
    if stack is not None:
        described["stackTrace"] = stack
    return Outcome(json.dumps(described).encode(), "Unhandled")


def _stack(error: BaseException) -> list[str]:
    """The handler's frames, without ours."""
    trace = error.__traceback__
    return traceback.format_tb(trace.tb_next if trace else None)


def _destination_record(name: str, waiting: _Waiting, condition: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": waiting.request_id,
            "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": waiting.attempts,
        },
        "requestPayload": json.loads(waiting.payload),
    }
    if waiting.last is not None:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": waiting.last.error,
        }
        record["responsePayload"] = json.loads(waiting.last.payload)
    return record
