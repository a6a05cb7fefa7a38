from __future__ import annotations

from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from autoretrain.errors import OperatorError
from autoretrain_local.gateway.answer import NOT_FOUND
from autoretrain_local.gateway.body import MAX_BYTES
from autoretrain_local.gateway.server import Server
from tests.faults.rows import row
from tests.local.gateway.bridge import Gateway, echo, exchange, own


@row("B7")
def test_body_over_the_limit_is_refused_before_it_is_read(gateway: Gateway) -> None:
    gateway.serve(echo)
    raw = gateway.send(
        b"POST /open HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % (MAX_BYTES + 1),
        half_close=True,
    )
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert body == b'{"message":"Request Entity Too Large"}'


def test_client_that_sends_too_much_still_gets_its_answer(gateway: Gateway) -> None:
    gateway.serve(echo)
    answer = gateway.ask("POST", "/open", body=b"x" * (MAX_BYTES + 1))
    assert answer.own == own(413, "Request Entity Too Large")


def test_chunked_body_over_the_limit_is_refused(gateway: Gateway) -> None:
    gateway.serve(echo)
    with closing(gateway.connect()) as connection:
        chunks = (b"x" * 1024 * 1024 for _ in range(11))
        connection.request("POST", "/open", chunks, encode_chunked=True)
        assert connection.getresponse().status == 413


def test_body_at_the_limit_is_taken(gateway: Gateway) -> None:
    gateway.serve(lambda event, _context: len(event["body"]))
    assert gateway.ask("POST", "/open", body=b"x" * MAX_BYTES).json == MAX_BYTES


POST = b"POST /open HTTP/1.1\r\nHost: here\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(POST + b"Content-Length: many\r\n\r\n", id="length is no number"),
        pytest.param(POST + b"Content-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(POST + b"Content-Length: 1_0\r\n\r\n", id="length of Python's"),
        pytest.param(POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", id="two lengths"),
        pytest.param(
            POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="length and chunks",
        ),
        pytest.param(POST + b"Transfer-Encoding: gzip\r\n\r\n", id="unknown coding"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunk size"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", id="negative chunk"),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n", id="longer than its size"
        ),
        pytest.param(b"GARBAGE\r\n\r\n", id="no request line"),
        pytest.param(b"GET /open HTTP/9.x\r\n\r\n", id="no version"),
        pytest.param(b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", id="endless line"),
        pytest.param(POST + b"X: 1\r\n" * 200 + b"\r\n", id="too many headers"),
    ],
)
def test_request_that_is_not_http_is_a_bad_request(gateway: Gateway, raw: bytes) -> None:
    gateway.serve(echo)
    head, _, body = gateway.send(raw, half_close=True).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert body == b'{"message":"Bad Request"}'
    assert gateway.ask("GET", "/open").status == 200


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="says nothing"),
        pytest.param(b"GET /op", id="in the request line"),
        pytest.param(POST + b"Content-Length: 10\r\n\r\nxx", id="in the body"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nxx", id="in a chunk"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nxx\r\n", id="before the end"),
    ],
)
def test_client_that_leaves_early_hurts_nobody(gateway: Gateway, raw: bytes) -> None:
    called: list[Any] = []
    gateway.serve(lambda event, context: called.append(event))
    gateway.send(raw, half_close=True)
    assert called == []
    assert gateway.ask("GET", "/open").status == 200


def test_connection_is_kept_for_the_next_request(gateway: Gateway) -> None:
    gateway.serve(lambda event, _context: event["body"])
    with closing(gateway.connect()) as connection:
        connection.connect()
        first = connection.sock
        answers = [
            exchange(connection, "POST", "/open", body=body).json for body in (b"1", b"2", b"3")
        ]
        assert connection.sock is first
    assert answers == ["1", "2", "3"]


def test_gateway_hangs_up_at_its_end(gateway: Gateway) -> None:
    gateway.serve(echo)
    with closing(gateway.connect()) as connection:
        exchange(connection, "GET", "/open")
        gateway.undo.close()
        assert connection.sock.recv(1) == b""


def test_port_that_is_taken_is_told_with_its_way_out() -> None:
    with (
        Server(lambda _request: NOT_FOUND, 0) as first,
        pytest.raises(
            OperatorError, match=r"port \d+ .*: .* `make run PORT=8002` or .*up --port 8002"
        ),
    ):
        Server(lambda _request: NOT_FOUND, urlsplit(first.url).port or 0)
