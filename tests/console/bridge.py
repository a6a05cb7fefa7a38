"""A way to the API that can be cut and mended, at an address that stays."""

from __future__ import annotations

from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Self
from urllib.parse import urlsplit

from autoretrain_local.gateway.answer import Answer
from autoretrain_local.gateway.event import Request
from autoretrain_local.gateway.server import Server

_PATIENCE_SECONDS = 60


class Bridge:
    """A context manager; it leads to the API while it is entered and not cut."""

    def __init__(self, api_url: str) -> None:
        self._api = urlsplit(api_url).netloc
        self._way = ExitStack()
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def mend(self) -> None:
        server = self._way.enter_context(Server(self._pass_on, self._port))
        self._port = int(server.url.rpartition(":")[2])

    def cut(self) -> None:
        """Hang up on everybody, and listen no more."""
        self._way.close()

    def _pass_on(self, request: Request) -> Answer:
        beyond = HTTPConnection(self._api, timeout=_PATIENCE_SECONDS)
        try:
            beyond.request(request.method, request.target, request.body, dict(request.headers))
            answer = beyond.getresponse()
            headers = [pair for pair in answer.getheaders() if pair[0] not in _OF_ONE_WAY]
            return Answer(answer.status, tuple(headers), answer.read())
        finally:
            beyond.close()


_OF_ONE_WAY = {"Date", "Content-Length", "Connection"}
