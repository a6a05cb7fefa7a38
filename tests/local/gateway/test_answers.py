from __future__ import annotations

import base64
import http.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier, Event
from typing import Any
from urllib.parse import urlsplit

import pytest

from autoretrain.errors import BadSetting, DatabaseUnavailable, InternalError
from autoretrain_local.gateway.environments import Environments, Handler
from autoretrain_local.gateway.server import Server
from tests.local.gateway.bridge import (
    LIMIT_SECONDS,
    Gateway,
    answering,
    crash,
    echo,
    exchange,
    own,
    single,
)


def test_answer_is_what_the_function_said(gateway: Gateway) -> None:
    gateway.serve(
        answering(
            {
                "statusCode": 201,
                "headers": {"Content-Type": "image/png", "ETag": '"a"', "Retry-After": 5},
                "cookies": ["a=1", "b=2"],
                "body": base64.b64encode(b"\x89PNG").decode(),
                "isBase64Encoded": True,
            }
        )
    )

    answer = gateway.ask("GET", "/open")

    assert (answer.status, answer.body) == (201, b"\x89PNG")
    assert answer.headers["Content-Type"] == "image/png"
    assert (answer.headers["ETag"], answer.headers["Retry-After"]) == ('"a"', "5")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers["apigw-requestid"]


@pytest.mark.parametrize("status", [204, 304])
def test_answer_without_a_body_keeps_the_connection_in_step(gateway: Gateway, status: int) -> None:
    answers = [{"statusCode": 200, "body": "next"}, {"statusCode": status, "body": "lost"}]
    gateway.serve(lambda _event, _context: answers.pop())
    with closing(gateway.connect()) as connection:
        empty = exchange(connection, "GET", "/open")
        assert (empty.body, empty.headers["Content-Length"]) == (b"", None)
        assert exchange(connection, "GET", "/open").body == b"next"


def test_answer_without_a_status_is_the_body_itself(gateway: Gateway) -> None:
    gateway.serve(answering({"ok": True}))
    answer = gateway.ask("GET", "/open")
    assert answer.own == (200, "application/json", b'{"ok": true}')


@pytest.mark.parametrize(
    "rubbish",
    [
        {"statusCode": "fine"},
        {"statusCode": True},
        {"statusCode": 42},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "%", "isBase64Encoded": True},
        {"statusCode": 200, "body": "\ud800"},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"X-A": "1\r\nSet-Cookie: stolen=1"}},
        {"statusCode": 200, "headers": {"X A": "1"}},
        {"statusCode": 200, "headers": {"X-A": None}},
        {"statusCode": 200, "headers": {"X-A": "→"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"body": object()},
        {"body": "x" * 7_000_000},
    ],
    ids=lambda rubbish: str(rubbish)[:40],
)
def test_rubbish_is_an_error(gateway: Gateway, rubbish: Any) -> None:
    gateway.serve(answering(rubbish))
    assert gateway.ask("GET", "/open").own == own(500, "Internal Server Error")


def test_function_that_crashes_is_an_error_and_answers_the_next_time(gateway: Gateway) -> None:
    handlers: list[Handler] = [echo, crash]
    one = single(lambda event, context: handlers.pop()(event, context), most=1)
    gateway.serve(echo, Others=one)
    assert gateway.ask("GET", "/other").own == own(500, "Internal Server Error")
    assert gateway.ask("GET", "/other").status == 200


@pytest.mark.parametrize(
    ("error", "has_trace"),
    [
        (DatabaseUnavailable("the database does not answer: check its URL"), False),
        (BadSetting("JWT_ISSUER is not set: set it"), False),
        (InternalError("a bug"), True),
        (RuntimeError("a bug"), True),
    ],
)
def test_trace_is_logged_only_of_what_may_be_a_bug(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, error: Exception, has_trace: bool
) -> None:
    def fail(_event: Any, _context: Any) -> Any:
        raise error

    gateway.serve(fail)
    assert gateway.ask("GET", "/open").own == own(500, "Internal Server Error")
    assert str(error) in caplog.text
    assert ("Traceback" in caplog.text) is has_trace


def test_function_that_cannot_be_imported_is_an_error(gateway: Gateway) -> None:
    def start() -> Handler:
        raise ModuleNotFoundError("pydantic")

    gateway.serve(echo, Others=Environments("other", start, LIMIT_SECONDS))
    assert gateway.ask("GET", "/other").own == own(500, "Internal Server Error")


def test_requests_at_once_have_an_environment_each_and_idle_ones_are_used_again(
    gateway: Gateway,
) -> None:
    everybody, started = Barrier(3), list[int]()

    def start() -> Handler:
        started.append(1)
        number = len(started)

        def handler(_event: Any, _context: Any) -> Any:
            everybody.wait(LIMIT_SECONDS)
            return number

        return handler

    gateway.serve(echo, Others=Environments("other", start, LIMIT_SECONDS))
    for _ in range(2):
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _: gateway.ask("GET", "/other").json, range(3)))
        assert sorted(answers) == [1, 2, 3]
    assert len(started) == 3


def test_one_request_more_than_environments_is_unavailable_and_others_are_not_touched(
    gateway: Gateway,
) -> None:
    entered, leave = Event(), Event()

    def wait(_event: Any, _context: Any) -> Any:
        entered.set()
        return leave.wait(LIMIT_SECONDS)

    gateway.serve(echo, Others=single(wait, most=1))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(gateway.ask, "GET", "/other")
        assert entered.wait(LIMIT_SECONDS)
        busy, other = gateway.ask("GET", "/other"), gateway.ask("GET", "/open")
        leave.set()

    assert busy.own == own(503, "Service Unavailable")
    assert other.status == 200
    assert waiting.result().json is True


@pytest.mark.parametrize(
    ("timeout_seconds", "patience_seconds", "answer"),
    [
        pytest.param(0.01, 30.0, own(500, "Internal Server Error"), id="its own time is over"),
        pytest.param(60.0, 0.01, own(503, "Service Unavailable"), id="the gateway's is"),
    ],
)
def test_function_that_takes_too_long_is_given_up_and_its_environment_too(
    gateway: Gateway,
    timeout_seconds: float,
    patience_seconds: float,
    answer: tuple[int, str, bytes],
) -> None:
    leave, restarted, started = Event(), Event(), list[int]()

    def wait(_event: Any, _context: Any) -> Any:
        return leave.wait(LIMIT_SECONDS)

    def start() -> Handler:
        started.append(1)
        if len(started) > 1:
            restarted.set()
        return wait

    slow = Environments("other", start, timeout_seconds, patience_seconds=patience_seconds)
    gateway.serve(echo, Others=slow)

    assert gateway.ask("GET", "/other").own == answer
    leave.set()
    gateway.ask("GET", "/other")
    assert restarted.wait(LIMIT_SECONDS)


def test_bug_of_the_bridge_is_an_answer_too() -> None:
    def fail(_request: Any) -> Any:
        raise KeyError("oops")

    with (
        Server(fail, 0) as server,
        closing(http.client.HTTPConnection(urlsplit(server.url).netloc)) as connection,
    ):
        assert exchange(connection, "GET", "/").own == own(500, "Internal Server Error")
