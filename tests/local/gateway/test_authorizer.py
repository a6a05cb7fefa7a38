from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autoretrain_local.gateway.environments import Handler
from tests.faults.rows import row
from tests.local.gateway.bridge import BEARER, PLAN, Gateway, answering, crash, echo, own


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
