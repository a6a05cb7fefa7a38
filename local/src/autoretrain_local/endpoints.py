"""Owns the one HTTP server that the stand-ins of AWS services share, on loopback only."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

ACCOUNT = "123456789012"  # the one that moto answers for
REGION = "us-east-1"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Message
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Service = Callable[[Request], Response]


def json_response(
    status: int, body: Any, headers: Mapping[str, str] | None = None, version: str = "1.1"
) -> Response:
    kind = {"Content-Type": f"application/x-amz-json-{version}"}
    return Response(status, json.dumps(body).encode(), kind | dict(headers or {}))


def error_response(
    status: int, code: str, message: str, members: Mapping[str, Any] | None = None
) -> Response:
    """An error as both JSON protocols of AWS can read it."""
    body = {"__type": code, "Type": "User", "message": message, **(members or {})}
    return json_response(status, body, {"x-amzn-ErrorType": code})


class Endpoints:
    """A context manager: the address is known at once, answers come while it is entered."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}
        self._server = _Server(self._answer)
        self._thread = Thread(target=self._server.serve, name="endpoints", daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self._server.address}"

    def mount(self, prefix: str, service: Service) -> None:
        """Give the service every path below the prefix that no longer prefix claims."""
        self._services[prefix] = service

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        for prefix in sorted(self._services, key=len, reverse=True):
            if request.path.startswith(prefix):
                return self._services[prefix](request)
        return error_response(404, "UnknownOperationException", f"Nothing is at {request.path}.")

    def _refusal(self, request: Request) -> Response | None:
        """A page in a browser can reach loopback, but neither sign a POST without our leave nor
        keep its own host name out of the request."""
        if request.headers.get("Host") not in self._server.names:
            return error_response(403, "AccessDeniedException", "The Host header is not ours.")
        signed = request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 ")
        if request.method == "POST" and not signed:
            return error_response(403, "MissingAuthenticationTokenException", "Sign the request.")
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a tick's fan-out arrives at once

    def __init__(self, answer: Service) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.answer = answer
        self.address = f"127.0.0.1:{self.server_port}"
        self.names = {self.address, f"localhost:{self.server_port}"}  # the latter in a container
        self._stopped = False

    def serve(self) -> None:
        while not self._stopped:
            self.handle_request()

    def stop(self) -> None:
        """At once, where `shutdown` would wait for the next look at the clock."""
        self._stopped = True
        socket.create_connection(("127.0.0.1", self.server_port)).close()


class _Exchange(BaseHTTPRequestHandler):
    """One request and its answer; HTTP 1.0, so that no idle connection outlives the server."""

    server: _Server

    def do_GET(self) -> None:
        self._exchange()

    def do_POST(self) -> None:
        self._exchange()

    def log_message(self, format: str, *args: Any) -> None:
        _logger.debug(format, *args)

    def _exchange(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, self.headers, body)
        try:
            response = self.server.answer(request)
        except Exception:
            _logger.exception("%s %s failed", request.method, request.path)
            response = error_response(500, "ServiceException", "A bug: the log has the traceback.")
        self._send(response)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)
