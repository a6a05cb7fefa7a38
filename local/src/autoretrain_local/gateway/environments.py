"""Decides how many requests a function answers at once: each in an environment of its own."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from threading import BoundedSemaphore, Thread
from typing import Any

from autoretrain_local.lambda_sandbox import Context, tell_raised

MOST = 10
"""What a new AWS account may run at once."""

_PATIENCE_SECONDS = 30.0  # API Gateway's own, for any function
_MAX_ANSWER_BYTES = 6_291_556

_logger = logging.getLogger(__name__)

Handler = Callable[[Any, Any], Any]


class Crashed(Exception):
    """The function raised, took longer than it may, or answered what Lambda does not pass on."""


class Unavailable(Exception):
    """Every environment that there may be is at work, or API Gateway does not wait any longer."""


class Environments:
    """The execution environments of one function: started when none is idle, used again after.

    `start` imports the function anew and returns its handler. Python cannot kill a thread: an
    environment that has run out of time works on, keeps its place until it ends, and is not used
    again.
    """

    def __init__(
        self,
        name: str,
        start: Callable[[], Handler],
        timeout_seconds: float,
        most: int = MOST,
        patience_seconds: float = _PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._start = start
        self._timeout_seconds = timeout_seconds
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._places = BoundedSemaphore(most)
        self._idle: list[Handler] = []

    def run(self, event: Any) -> bytes:
        """The JSON that the function answers. Raises Unavailable, and Crashed once the log has
        the reason."""
        if not self._places.acquire(blocking=False):
            raise Unavailable(self._name)
        answered: Future[bytes | None] = Future()
        work = Thread(target=self._work, args=(event, answered), name=self._name, daemon=True)
        work.start()
        answer = self._wait(answered)
        if answer is None:
            raise Crashed(self._name)
        return answer

    def _wait(self, answered: Future[bytes | None]) -> bytes | None:
        try:
            return answered.result(min(self._timeout_seconds, self._patience_seconds))
        except TimeoutError as exc:
            if not answered.cancel():  # it was answered just now
                return answered.result()
            if self._timeout_seconds > self._patience_seconds:
                raise Unavailable(self._name) from exc
            _logger.error("%s timed out after %g seconds", self._name, self._timeout_seconds)
            return None

    def _work(self, event: Any, answered: Future[bytes | None]) -> None:
        answer = None
        try:
            handler = self._environment()
            answer = self._call(handler, event)
            if answered.set_running_or_notify_cancel():
                self._idle.append(handler)
        except (Exception, SystemExit):
            _logger.exception("%s crashed", self._name)
            answered.set_running_or_notify_cancel()
        finally:
            self._places.release()
        if not answered.cancelled():
            answered.set_result(answer)

    def _environment(self) -> Handler:
        try:
            return self._idle.pop()
        except IndexError:
            return self._start()

    def _call(self, handler: Handler, event: Any) -> bytes | None:
        """None where the function raised: its environment may be used again."""
        deadline = self._clock() + self._timeout_seconds
        try:
            context = Context(self._name, str(uuid.uuid4()), deadline, self._clock)
            answer = json.dumps(handler(event, context)).encode()
        except Exception as exc:
            tell_raised(self._name, exc)
            return None
        if len(answer) > _MAX_ANSWER_BYTES:
            _logger.error("%s answered %d bytes, which is too much", self._name, len(answer))
            return None
        return answer
