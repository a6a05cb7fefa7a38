"""Owns the socket of the local API: HTTP/1.1 on loopback, a thread for each connection."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self

from autoretrain.errors import OperatorError
from autoretrain_local.gateway.answer import BAD_REQUEST, SERVER_ERROR, TOO_LARGE, Answer
from autoretrain_local.gateway.body import Gone, TooLarge, Unreadable, read_body
from autoretrain_local.gateway.event import Request

_HOST = "127.0.0.1"
_SHUTDOWN_POLL_SECONDS = 0.05
_IDLE_SECONDS = 60.0
_FAREWELL_SECONDS = 1.0
_FAREWELL_BYTES = 64 * 1024 * 1024
_BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}

_logger = logging.getLogger(__name__)

Answering = Callable[[Request], Answer]


class Server:
    """A context manager: the port is taken at once, answers come while it is entered.

    Port 0 is any that is free. Raises OperatorError where the port cannot be had.
    """

    def __init__(self, answering: Answering, port: int) -> None:
        try:
            self._server = _Server(answering, port)
        except OSError as exc:
            raise OperatorError(
                f"port {port} of {_HOST} cannot be used ({exc.strerror}): name another, as in"
                " `make run PORT=8002` or `.venv/bin/autoretrain up --port 8002`"
            ) from exc
        self._thread = Thread(
            target=self._server.serve_forever,
            args=(_SHUTDOWN_POLL_SECONDS,),
            name="gateway",
            daemon=True,
        )

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up on everybody: whoever still waits for an answer gets none."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.hang_up()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answering: Answering, port: int) -> None:
        super().__init__((_HOST, port), _Exchange)
        self.answering = answering
        self._lock = Lock()
        self._connections: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: Any) -> None:
        _logger.debug("a connection broke", exc_info=True)

    def hang_up(self) -> None:
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # its client was faster
                    connection.shutdown(socket.SHUT_RDWR)


class _Exchange(BaseHTTPRequestHandler):
    """One connection; each of its requests is read whole before it is answered."""

    server: _Server
    protocol_version = default_request_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Any method is taken: which ones there are, the API says."""
        if name.startswith("do_"):
            return self._exchange
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        _logger.debug(format, *args)

    def send_error(self, *why: Any) -> None:
        """What the standard library says to a request that it cannot read, in our form."""
        self.log_error("unreadable: %s", why)
        self._refuse(BAD_REQUEST)

    def _exchange(self) -> None:
        try:
            body = read_body(self.headers, self.rfile)
        except TooLarge:
            self._refuse(TOO_LARGE)
        except Unreadable:
            self._refuse(BAD_REQUEST)
        except Gone:
            self.close_connection = True
        else:
            self._send(self._answer(body))

    def _answer(self, body: bytes) -> Answer:
        headers = tuple(self.headers.items())
        request = Request(self.command, self.path, headers, body, self.client_address[0])
        try:
            return self.server.answering(request)
        except Exception:
            _logger.exception("%s %s failed", request.method, request.path)
            return SERVER_ERROR

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status not in _BODILESS:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and answer.status not in _BODILESS:
            self.wfile.write(answer.body)

    def _refuse(self, answer: Answer) -> None:
        """Answer, and drop what the client still sends: a connection closed in the middle of it
        would take the answer along."""
        self.close_connection = True
        self._send(answer)
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(_FAREWELL_SECONDS)
        left = _FAREWELL_BYTES
        with suppress(TimeoutError):
            while left > 0 and (dropped := len(self.connection.recv(65_536))):
                left -= dropped
