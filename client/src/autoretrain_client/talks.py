"""What is said to the API and when, by either client; decides what is worth another try.

A talk is a generator: it yields the calls to send and the pauses to make, is sent what came of each
call, and returns the answer. So it knows no transport, and each client is one loop.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from autoretrain_client.calls import Call
from autoretrain_client.refusals import Heard, error_of, retry_after_seconds

Answer = TypeVar("Answer")

LONGEST_PAUSE_SECONDS = 30.0
"""A server that asks to wait longer is not asked again: the error says for how long."""
_FIRST_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is to be said for so long."""

    seconds: float


Talk = Generator[Call[Any] | Pause, Heard | None, Answer]
Said = Call[Answer] | Talk[Answer]


def ask(call: Call[Answer]) -> Talk[Answer]:
    """Send the call, again where that may help. Raises AutoRetrainClientError."""
    tried = 0
    while True:
        heard = yield call
        tried += 1
        if isinstance(heard, httpx.Response) and call.answers(heard):
            return call.read(heard)
        if heard is None:
            raise TypeError("a call was not sent")
        seconds = _seconds_before_another_try(call, heard, tried)
        if seconds is None or tried >= call.attempts:
            raise error_of(heard) from (heard if isinstance(heard, Exception) else None)
        yield Pause(seconds)


def _seconds_before_another_try(call: Call[Any], heard: Heard, tried: int) -> float | None:
    """None where another try would not help, or might do a second time what is done already."""
    if isinstance(heard, httpx.RequestError):
        return _back_off_seconds(tried) if call.repeatable or _never_sent(heard) else None
    # What answers 503 may have done its part before: only reading what came of it went wrong.
    if heard.status_code != 429 and not (heard.status_code == 503 and call.repeatable):
        return None
    asked = retry_after_seconds(heard)
    if asked is None:
        return _back_off_seconds(tried)
    return asked if asked <= LONGEST_PAUSE_SECONDS else None


def _never_sent(error: httpx.RequestError) -> bool:
    return isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))


def _back_off_seconds(tried: int) -> float:
    longest = min(LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**tried)
    return random.uniform(longest / 2, longest)  # noqa: S311 (clients shall not come in step)
