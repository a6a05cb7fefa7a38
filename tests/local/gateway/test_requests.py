from __future__ import annotations

import base64
import json
from contextlib import closing

import pytest

from tests.local.gateway.bridge import BEARER, CALLER, Gateway, echo, exchange, own


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
