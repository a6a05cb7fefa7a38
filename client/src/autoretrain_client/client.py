"""The two clients: how a request travels, and nothing else that differs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Self, TypeVar

import httpx

from autoretrain_client import connection
from autoretrain_client.answers import Page
from autoretrain_client.api import Api
from autoretrain_client.calls import Call, rest
from autoretrain_client.refusals import Heard
from autoretrain_client.talks import Pause, Said, ask

Answer = TypeVar("Answer")
Item = TypeVar("Item")

DEFAULT_TIMEOUT_SECONDS = 30.0
"""API Gateway answers within this time, whatever becomes of the request."""
_CONNECT_SECONDS = 5.0


class Client(Api):
    """Talks to auto-retrain; threads may share one.

    `url` and `token` are those of AUTORETRAIN_URL and AUTORETRAIN_TOKEN unless given; `timeout` is
    how many seconds the server may be silent; `transport` is what requests travel by, None for the
    network. Raises NotConfigured.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = httpx.Client(**_options(url, token, timeout), transport=transport)
        self.transport = transport
        self._sleep = sleep

    def hold(self, said: Said[Answer]) -> Answer:
        """Send what is to be said, and give its answer."""
        talk = ask(said) if isinstance(said, Call) else said
        heard: Heard | None = None
        while True:
            try:
                step = talk.send(heard)
            except StopIteration as answer:
                return answer.value  # type: ignore[no-any-return]
            heard = self._do(step)

    def walk(self, call: Call[Page[Item]]) -> Iterator[Item]:
        """The items of the call's page, and of all that follow."""
        left: Call[Page[Item]] | None = call
        while left is not None:
            page = self.hold(left)
            yield from page.items[: left.wanted]
            left = rest(left, page)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, step: Call[Any] | Pause) -> Heard | None:
        if isinstance(step, Pause):
            self._sleep(step.seconds)
            return None
        try:
            return self._http.send(_request(self._http, step))
        except httpx.RequestError as exc:
            return exc


class AsyncClient(Api):
    """Talks to auto-retrain without blocking; otherwise as `Client`."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = httpx.AsyncClient(**_options(url, token, timeout), transport=transport)
        self._sleep = sleep

    async def hold(self, said: Said[Answer]) -> Answer:
        """Send what is to be said, and give its answer."""
        talk = ask(said) if isinstance(said, Call) else said
        heard: Heard | None = None
        while True:
            try:
                step = talk.send(heard)
            except StopIteration as answer:
                return answer.value  # type: ignore[no-any-return]
            heard = await self._do(step)

    async def walk(self, call: Call[Page[Item]]) -> AsyncIterator[Item]:
        """The items of the call's page, and of all that follow."""
        left: Call[Page[Item]] | None = call
        while left is not None:
            page = await self.hold(left)
            for item in page.items[: left.wanted]:
                yield item
            left = rest(left, page)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _do(self, step: Call[Any] | Pause) -> Heard | None:
        if isinstance(step, Pause):
            await self._sleep(step.seconds)
            return None
        try:
            return await self._http.send(_request(self._http, step))
        except httpx.RequestError as exc:
            return exc


def _request(http: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
    timeout = http.timeout.as_dict()
    if timeout["read"] is not None:
        timeout["read"] += call.wait_seconds
    return http.build_request(
        call.method,
        call.path,
        params=call.query,
        json=call.body,
        headers=call.headers,
        timeout=httpx.Timeout(**timeout),
    )


def _options(url: str | None, token: str | None, timeout_seconds: float) -> dict[str, Any]:
    return {
        "base_url": connection.url(url),
        "headers": {"Authorization": f"Bearer {connection.token(token)}"},
        "timeout": httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, _CONNECT_SECONDS)),
    }
