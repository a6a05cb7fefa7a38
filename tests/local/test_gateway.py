from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from threading import Barrier, Event
from typing import Any
from urllib.parse import urlsplit

import pytest

from autoretrain.errors import OperatorError
from autoretrain_local.gateway.answer import NOT_FOUND
from autoretrain_local.gateway.api import HttpApi
from autoretrain_local.gateway.body import MAX_BYTES
from autoretrain_local.gateway.environments import Environments, Handler
from autoretrain_local.gateway.plan import ApiPlan, Route
from autoretrain_local.gateway.server import Server
from tests.faults.rows import row

LIMIT_SECONDS = 30.0
PLAN = ApiPlan(
    routes=(
        Route("GET", "/open", "Things", is_open=True),
        Route("POST", "/open", "Things", is_open=True),
        Route("GET", "/things/{id}", "Things", is_open=False),
        Route("GET", "/things/newest", "Things", is_open=False),
        Route("GET", "/things/{id}/parts/{part}", "Things", is_open=False),
        Route("GET", "/other", "Others", is_open=True),
        Route("GET", "/", "Things", is_open=True),
    ),
    authorizer="Authorizer",
    reauthorize_seconds=60,
    rate_per_second=1,
    burst=1_000,
)
CALLER = {"user_id": "7", "scopes": "read"}
BEARER = {"Authorization": "Bearer good"}


@dataclass(frozen=True)
class Told:
    """What the gateway answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def own(self) -> tuple[int, str | None, bytes]:
        return self.status, self.headers["Content-Type"], self.body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def own(status: int, message: str) -> tuple[int, str, bytes]:
    return status, "application/json", f'{{"message":"{message}"}}'.encode()


@dataclass
class Gateway:
    """The bridge over tiny functions, on a real socket; its clock is set by hand."""

    undo: ExitStack
    seconds: float = 1000.0
    asked: list[Any] = field(default_factory=list)
    host: str = ""

    def serve(self, things: Handler, plan: ApiPlan = PLAN, **others: Any) -> None:
        handlers = {"Things": things, "Others": things, "Authorizer": self._admit} | others
        functions = {
            name: handler if isinstance(handler, Environments) else single(handler)
            for name, handler in handlers.items()
        }
        calls = {name: function.run for name, function in functions.items()}
        api = HttpApi(plan, calls, lambda: self.seconds)
        server = self.undo.enter_context(Server(api.answer, 0))
        self.host = urlsplit(server.url).netloc

    def ask(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Told:
        with closing(self.connect()) as connection:
            return exchange(connection, method, target, headers, body)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, timeout=LIMIT_SECONDS)

    def send(self, raw: bytes, half_close: bool = False) -> bytes:
        """Whatever comes back for these very bytes, until the gateway hangs up."""
        name, _, port = self.host.partition(":")
        with socket.create_connection((name, int(port)), LIMIT_SECONDS) as opened:
            opened.sendall(raw)
            if half_close:
                opened.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: opened.recv(65_536), b""))

    def _admit(self, event: Any, _context: Any) -> Any:
        self.asked.append(event)
        return {"isAuthorized": event["identitySource"] == ["Bearer good"], "context": CALLER}


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> Told:
    connection.request(method, target, body, headers or {})
    response = connection.getresponse()
    return Told(response.status, response.headers, response.read())


def single(handler: Handler, **settings: Any) -> Environments:
    return Environments("function", lambda: handler, LIMIT_SECONDS, **settings)


def echo(event: Any, _context: Any) -> Any:
    """The event itself."""
    return {"statusCode": 200, "body": json.dumps(event)}


def answering(answer: Any) -> Handler:
    return lambda _event, _context: answer


def crash(_event: Any, _context: Any) -> Any:
    raise RuntimeError("no database")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with ExitStack() as undo:
        yield Gateway(undo)


def test_event_is_of_payload_format_2(gateway: Gateway) -> None:
    gateway.serve(echo)

    event = gateway.ask(
        "GET",
        "/things/a%20b%2Fc?x=1&y=&x=%C3%BC",
        BEARER | {"Cookie": "a=1; b=2", "X-Twice": "1"},
    ).json

    assert event["version"] == "2.0"
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "GET /things/{id}"
    assert event["rawPath"] == "/things/a b/c"
    assert event["rawQueryString"] == "x=1&y=&x=%C3%BC"
    assert event["queryStringParameters"] == {"x": "1,ü", "y": ""}
    assert event["pathParameters"] == {"id": "a b/c"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-twice"] == "1"
    assert "cookie" not in event["headers"]
    assert event["requestContext"]["stage"] == "$default"
    assert event["requestContext"]["http"]["method"] == "GET"
    assert event["requestContext"]["authorizer"] == {"lambda": CALLER}
    assert event["isBase64Encoded"] is False
    assert "body" not in event


def test_repeated_header_is_joined_by_commas(gateway: Gateway) -> None:
    gateway.serve(echo)

    raw = gateway.send(
        b"GET /open HTTP/1.1\r\nHost: here\r\nX-A: 1\r\nx-a: 2\r\nConnection: close\r\n\r\n"
    )

    event = json.loads(raw.partition(b"\r\n\r\n")[2])
    assert event["headers"]["x-a"] == "1,2"


@pytest.mark.parametrize(
    ("body", "sent", "is_base64"),
    [
        pytest.param('{"a": "ü"}'.encode(), '{"a": "ü"}', False, id="text"),
        pytest.param(b"\xff\x00", base64.b64encode(b"\xff\x00").decode(), True, id="no text"),
    ],
)
def test_body_is_text_or_base64(gateway: Gateway, body: bytes, sent: str, is_base64: bool) -> None:
    gateway.serve(echo)

    event = gateway.ask("POST", "/open", body=body).json

    assert (event["body"], event["isBase64Encoded"]) == (sent, is_base64)


def test_chunked_body_is_put_together(gateway: Gateway) -> None:
    gateway.serve(echo)
    with closing(gateway.connect()) as connection:
        connection.request("POST", "/open", iter([b"one", b"", b" two"]), encode_chunked=True)
        event = json.loads(connection.getresponse().read())

    assert event["body"] == "one two"
    assert "transfer-encoding" not in event["headers"]


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("/things/newest", "GET /things/newest"),
        ("/things/oldest", "GET /things/{id}"),
        ("/things/1/parts/2", "GET /things/{id}/parts/{part}"),
        ("/", "GET /"),
    ],
)
def test_most_specific_route_answers(gateway: Gateway, target: str, key: str) -> None:
    gateway.serve(echo)
    assert gateway.ask("GET", target, BEARER).json["routeKey"] == key


@pytest.mark.parametrize(
    ("method", "target"),
    [
        pytest.param("GET", "/nothing", id="unknown path"),
        pytest.param("GET", "/open/", id="one slash more"),
        pytest.param("GET", "/things/", id="empty parameter"),
        pytest.param("GET", "/things/1/parts", id="too short"),
        pytest.param("DELETE", "/open", id="method of no route"),
        pytest.param("OPTIONS", "/open", id="preflight without CORS"),
        pytest.param("BREW", "/open", id="unknown method"),
        pytest.param("get", "/open", id="methods have a case"),
    ],
)
def test_unknown_path_or_method_is_not_found(gateway: Gateway, method: str, target: str) -> None:
    gateway.serve(echo)
    assert gateway.ask(method, target, BEARER).own == own(404, "Not Found")


def test_head_is_not_found_and_has_no_body(gateway: Gateway) -> None:
    gateway.serve(echo)
    with closing(gateway.connect()) as connection:
        head = exchange(connection, "HEAD", "/open")
        assert (head.status, head.body) == (404, b"")
        assert exchange(connection, "GET", "/open").status == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "  "}])
@row("B1")
def test_caller_without_authorization_is_sent_away_unheard(
    gateway: Gateway, headers: dict[str, str]
) -> None:
    gateway.serve(echo)
    assert gateway.ask("GET", "/things/1", headers).own == own(401, "Unauthorized")
    assert gateway.asked == []


def test_open_route_asks_nobody(gateway: Gateway) -> None:
    gateway.serve(echo)
    event = gateway.ask("GET", "/open", BEARER).json
    assert "authorizer" not in event["requestContext"]
    assert gateway.asked == []


def test_refused_caller_is_forbidden(gateway: Gateway) -> None:
    gateway.serve(echo)
    answer = gateway.ask("GET", "/things/1", {"Authorization": "Bearer bad"})
    assert answer.own == own(403, "Forbidden")


def test_authorizer_gets_the_request_without_its_body(gateway: Gateway) -> None:
    gateway.serve(echo)
    gateway.ask("GET", "/things/1?x=1", BEARER)

    (event,) = gateway.asked
    assert (event["version"], event["type"]) == ("2.0", "REQUEST")
    assert event["identitySource"] == ["Bearer good"]
    assert event["routeArn"].endswith("/$default/GET/things/1")
    assert event["pathParameters"] == {"id": "1"}
    assert not {"body", "isBase64Encoded"} & event.keys()


@row("B4")
def test_verdict_is_remembered_for_every_route_until_its_time_is_over(gateway: Gateway) -> None:
    gateway.serve(echo)
    for target in ("/things/1", "/things/newest"):
        gateway.ask("GET", target, BEARER)
    gateway.ask("GET", "/things/1", {"Authorization": "Bearer bad"})
    gateway.ask("GET", "/things/1", {"Authorization": "Bearer bad"})
    assert len(gateway.asked) == 2

    gateway.seconds += 59.9
    gateway.ask("GET", "/things/1", BEARER)
    assert len(gateway.asked) == 2

    gateway.seconds += 0.1
    gateway.ask("GET", "/things/1", BEARER)
    assert len(gateway.asked) == 3


@pytest.mark.parametrize(
    "authorizer",
    [
        pytest.param(crash, id="crashes"),
        pytest.param(answering(None), id="says nothing"),
        pytest.param(answering({"isAuthorized": "yes"}), id="says nonsense"),
        pytest.param(answering({"isAuthorized": True, "context": "me"}), id="odd context"),
    ],
)
def test_authorizer_that_fails_is_an_error_and_lets_nobody_in(
    gateway: Gateway, authorizer: Handler
) -> None:
    gateway.serve(echo, Authorizer=authorizer)
    answer = gateway.ask("GET", "/things/1", BEARER)
    assert answer.own == own(500, "Internal Server Error")


def test_failure_of_the_authorizer_is_not_remembered(gateway: Gateway) -> None:
    answers: list[Any] = [{"isAuthorized": True}, None]
    gateway.serve(echo, Authorizer=lambda _event, _context: answers.pop())
    assert gateway.ask("GET", "/things/1", BEARER).status == 500
    event = gateway.ask("GET", "/things/1", BEARER).json
    assert event["requestContext"]["authorizer"] == {"lambda": None}


def test_route_takes_its_burst_and_then_its_rate(gateway: Gateway) -> None:
    gateway.serve(echo, replace(PLAN, burst=2))

    assert [gateway.ask("GET", "/open").status for _ in range(2)] == [200, 200]
    assert gateway.ask("GET", "/open").own == own(429, "Too Many Requests")
    assert gateway.ask("POST", "/open").status == 200

    gateway.seconds += 1
    assert [gateway.ask("GET", "/open").status for _ in range(2)] == [200, 429]
    gateway.seconds += 1_000
    assert [gateway.ask("GET", "/open").status for _ in range(3)] == [200, 200, 429]


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
        pytest.raises(OperatorError, match=r"port \d+ .*: name another with --port"),
    ):
        Server(lambda _request: NOT_FOUND, urlsplit(first.url).port or 0)


def test_bug_of_the_bridge_is_an_answer_too() -> None:
    def fail(_request: Any) -> Any:
        raise KeyError("oops")

    with (
        Server(fail, 0) as server,
        closing(http.client.HTTPConnection(urlsplit(server.url).netloc)) as connection,
    ):
        assert exchange(connection, "GET", "/").own == own(500, "Internal Server Error")
