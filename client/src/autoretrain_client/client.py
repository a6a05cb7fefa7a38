"""The two clients: how a request travels, and nothing else that differs."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Self, TypeVar

import httpx

from autoretrain_client.answers import Page
from autoretrain_client.api import Api
from autoretrain_client.calls import Call
from autoretrain_client.errors import NotConfigured
from autoretrain_client.refusals import Heard
from autoretrain_client.talks import Pause, Said, ask

Answer = TypeVar("Answer")
Item = TypeVar("Item")

DEFAULT_URL = "http://127.0.0.1:8001"
DEFAULT_TIMEOUT_SECONDS = 30.0
"""API Gateway answers within this time, whatever becomes of the request."""
_CONNECT_SECONDS = 5.0


class Client(Api):
    """Talks to auto-retrain; threads may share one.

    `url` and `token` are those of AUTORETRAIN_URL and AUTORETRAIN_TOKEN unless given; `timeout` is
    how many seconds the server may be silent. Raises NotConfigured.
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
        page = self.hold(call)
        yield from page.items
        while page.next is not None:
            page = self.hold(call.after(page.next))
            yield from page.items

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
        page = await self.hold(call)
        for item in page.items:
            yield item
        while page.next is not None:
            page = await self.hold(call.after(page.next))
            for item in page.items:
                yield item

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
        "base_url": _base_url(url or os.environ.get("AUTORETRAIN_URL") or DEFAULT_URL),
        "headers": {"Authorization": f"Bearer {_token(token)}"},
        "timeout": httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, _CONNECT_SECONDS)),
    }


def _base_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as exc:
        raise NotConfigured("AUTORETRAIN_URL is no URL") from exc
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise NotConfigured(
            "AUTORETRAIN_URL must be http://host… or https://host…, without a user or a password"
        )
    return url


def _token(given: str | None) -> str:
    token = (given or os.environ.get("AUTORETRAIN_TOKEN") or "").strip()
    if not token:
        raise NotConfigured(
            "no token: set AUTORETRAIN_TOKEN (and AUTORETRAIN_URL, where the API is not at"
            f" {DEFAULT_URL}); `autoretrain tokens create` makes one"
        )
    if not (token.isascii() and token.isprintable() and " " not in token):
        # A header of it would be refused with an error that shows it.
        raise NotConfigured("AUTORETRAIN_TOKEN holds characters that no token has: copy it again")
    return token
