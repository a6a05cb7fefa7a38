from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest

from autoretrain.domain.access import ALL_SCOPES, Scope
from autoretrain.domain.work import NotClaimed
from autoretrain.errors import (
    Conflict,
    DatabaseUnavailable,
    LaunchRefused,
    TooManyRuns,
)
from autoretrain.services.retrain import Asked
from autoretrain_api.contract import document
from autoretrain_api.log import logger
from tests.unit.api.conftest import Api
from tests.unit.api.people import RUN, STRATEGY, USER

OTHER = UUID("10000000-0000-0000-0000-000000000002")
NEEDS = {
    "retrain": {"checkStrategy", "trainStrategy", "trainStrategyByHand", "cancelRun"},
    "manage": {
        "changeSettings",
        "activateModel",
        "unpinModel",
        "resumeStrategy",
        "createToken",
        "revokeToken",
    },
}
BODIES: dict[str, Any] = {
    "changeSettings": {"new_trades_threshold": 70},
    "createToken": {"name": "bot"},
    "trainStrategy": {"strategy_id": str(STRATEGY)},
    "trainStrategyByHand": {"strategy_id": str(STRATEGY)},
}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


PROTECTED = [
    pytest.param(method, path, operation["operationId"], id=operation["operationId"])
    for method, path, operation in operations()
    if "security" in operation
]

READ_OF_A_STRATEGY = [
    path
    for method, path, _ in operations()
    if method == "GET" and path.startswith("/api/ai-strategies/{id}")
]


def concrete(path: str) -> str:
    if path.startswith("/training-runs"):
        path = path.replace("{id}", str(RUN))
    if path.startswith("/api/tokens"):
        path = path.replace("{id}", "abcd1234")
    return path.replace("{version}", "v1")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    heard = io.StringIO()
    handler = logger.registered_handler
    before = handler.setStream(heard)  # type: ignore[attr-defined]
    yield heard
    handler.setStream(before)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("method", "path", "operation"), PROTECTED)
def test_a_route_needs_its_own_scope_and_no_other(
    api: Api, method: str, path: str, operation: str
) -> None:
    needed = next((scope for scope, names in NEEDS.items() if operation in names), "read")
    others = " ".join(scope for scope in Scope if scope != needed)

    refused = api.call(method, concrete(path), BODIES.get(operation), scopes=others)
    allowed = api.call(method, concrete(path), BODIES.get(operation), scopes=needed)

    assert (refused.status, refused.code) == (403, "missing_scope")
    assert needed in refused.message
    assert 200 <= allowed.status < 300, allowed.text


@pytest.mark.parametrize("path", READ_OF_A_STRATEGY)
def test_a_stranger_s_strategy_and_an_unknown_one_look_the_same(api: Api, path: str) -> None:
    told = api.call("GET", concrete(path.replace("{id}", str(OTHER))))

    assert (told.status, told.code, told.message) == (404, "unknown_strategy", "no such strategy")


@pytest.mark.parametrize(
    "strategy_id",
    ["' OR 1=1--", "; drop table", "%2e%2e%2f", "%00", "a b", "x" * 10_000, str(STRATEGY) + "0"],
    ids=lambda text: text[:16],
)
def test_an_id_is_refused_when_it_is_no_uuid(api: Api, strategy_id: str) -> None:
    told = api.call("GET", f"/api/ai-strategies/{strategy_id}")

    assert (told.status, told.code) == (422, "invalid_request")
    assert strategy_id not in told.text


def test_an_id_is_refused_when_the_gateway_has_decoded_it_to_something_unroutable(
    api: Api,
) -> None:
    told = api.call("GET", '/api/ai-strategies/"\x00', routeKey="GET /api/ai-strategies/{id}")

    assert (told.status, told.code) == (422, "invalid_request")


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("PUT", "/health")])
def test_a_route_that_is_none_is_404(api: Api, method: str, path: str) -> None:
    told = api.call(method, path)

    assert (told.status, told.code) == (404, "unknown_route")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1e9",
        "limit=x",
        "sort=id",
        "cursor=%27",
        "cursor=",
    ],
)
def test_a_query_is_refused_when_it_is_out_of_bounds(api: Api, query: str) -> None:
    told = api.call("GET", f"/api/ai-strategies?{query}")

    assert (told.status, told.code) == (422, "invalid_request")
    assert told.message.startswith(query.split("=")[0])


def test_the_list_is_asked_for_as_the_query_has_it(api: Api) -> None:
    api.call("GET", "/api/ai-strategies?search=a,b&sort=-trained_at&limit=3&cursor=40")
    api.call("GET", "/api/ai-strategies")

    assert api.people.reading.asked == [
        (USER, "a,b", "-trained_at", 3, "40"),
        (USER, "", "name", 50, None),
    ]


def test_a_training_by_hand_outranks_the_gate_and_the_other_does_not(api: Api) -> None:
    wish = {"strategy_id": str(STRATEGY), "min_trades": 80, "feature_weights": {"rsi": 2}}
    api.call("POST", "/train-strategy", wish)
    api.call("POST", "/auto-retrain", wish | {"reason": "news"})

    by_hand, gated = api.people.retraining.wishes
    assert (by_hand.manual, gated.manual, gated.reason) == (True, False, "news")
    assert (by_hand.min_trades, by_hand.feature_weights) == (80, {"rsi": 2.0})


def test_a_live_run_is_carried_by_the_answer_that_started_none(api: Api) -> None:
    live = NotClaimed("live_run", "a training is running", RUN)
    api.people.retraining.asked = Asked(True, "50+ new trades", RUN, live)

    told = api.call("POST", "/api/ai-strategies/{id}/auto-retrain")

    assert told.status == 202
    assert told.json["training_run"]["id"] == str(RUN)
    assert told.json["not_started"] == {"code": "live_run", "message": "a training is running"}


def test_nothing_started_is_answered_with_why(api: Api) -> None:
    api.people.retraining.asked = Asked(False, "no condition fires")

    told = api.call("POST", "/api/ai-strategies/{id}/auto-retrain")

    assert (told.status, told.json["should_retrain"]) == (200, False)
    assert (told.json["training_run"], told.json["model"]) == (None, None)


def test_only_named_settings_are_changed(api: Api) -> None:
    changes = {"model_max_age_days": None, "activation_mode": "approve"}

    assert api.call("PATCH", "/api/ai-strategies/{id}", changes).status == 200
    assert api.people.control.done == [("change", STRATEGY, changes)]


def test_a_version_is_activated_with_who_and_why(api: Api) -> None:
    body = {"reason": "too eager", "force": True}
    api.call("POST", "/api/ai-strategies/{id}/models/v1/activate", body)

    assert api.people.control.done == [("activate", STRATEGY, "v1", True, "too eager")]


def test_a_token_is_shown_when_it_is_made_and_never_again(api: Api) -> None:
    body = {"name": "bot", "scopes": ["read", "retrain"], "expires_in_days": 30}
    made = api.call("POST", "/api/tokens", body)
    listed = api.call("GET", "/api/tokens")

    assert (made.status, made.json["token"][:13]) == (201, "arp_abcd1234_")
    assert api.people.tokens.made == [
        ("bot", [Scope.READ, Scope.RETRAIN], timedelta(days=30), ALL_SCOPES)
    ]
    assert "token" not in listed.json["items"][0]


def test_a_revoked_token_is_answered_without_a_body(api: Api) -> None:
    told = api.call("DELETE", "/api/tokens/abcd1234")

    assert (told.status, told.text) == (204, "")
    assert api.call("DELETE", "/api/tokens/zzzz9999").code == "unknown_token"


def test_a_change_is_logged_in_one_line_without_the_token(api: Api, lines: io.StringIO) -> None:
    api.call("POST", "/api/ai-strategies/{id}/auto-retrain", {"force": True})
    api.call("GET", "/api/ai-strategies/{id}")

    (line,) = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert (line["message"], line["what"]) == ("auto-retrain request", "check")
    assert (line["user_id"], line["token_id"]) == (str(USER), "abcd1234")
    assert (line["strategy_id"], line["run_id"]) == (str(STRATEGY), str(RUN))
    assert "secret" not in lines.getvalue()


def raising(error: Exception) -> Any:
    def raise_it(*_: Any, **__: Any) -> Any:
        raise error

    return raise_it


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (TooManyRuns("too many", 1800), 429, "too_many_runs", "1800"),
        (Conflict("pinned", "unpin it first"), 409, "pinned", None),
        (DatabaseUnavailable("host db.internal says no"), 503, "db_unavailable", "5"),
        (LaunchRefused("arn:aws:sts::1:internal"), 503, "launch_config", "5"),
        (KeyError("internal"), 500, "internal_error", None),
        (RecursionError("internal"), 500, "internal_error", None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_becomes_its_answer_and_tells_nothing_from_inside(
    api: Api,
    lines: io.StringIO,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    monkeypatch.setattr(api.people.retraining, "check", raising(error))

    told = api.call("POST", "/api/ai-strategies/{id}/auto-retrain")

    assert (told.status, told.code) == (status, code)
    assert told.headers.get("Retry-After") == retry_after
    assert "internal" not in told.message.replace("inside", "")
    assert (status >= 500) == ("auto-retrain request failed" in lines.getvalue())
    assert {record.name for record in caplog.records} <= {logger.name}


def test_a_row_that_breaks_the_schema_is_our_error_and_not_the_caller_s(
    api: Api, lines: io.StringIO
) -> None:
    del api.people.reading.the_run["queued_at"]

    told = api.call("GET", f"/training-runs/{RUN}")

    assert (told.status, told.code) == (500, "internal_error")
    assert "auto-retrain request failed" in lines.getvalue()


@pytest.mark.parametrize("path", ["/health", "/api/tokens"])
def test_a_missing_setting_is_named_by_every_route(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.delenv("MODEL_BUCKET")

    told = api.call("GET", path)

    assert (told.status, told.headers["Retry-After"]) == (503, "5")
    problem = told.json["problems"][0] if path == "/health" else told.json["error"]
    assert problem["code"] == "missing_settings"
    assert "MODEL_BUCKET" in problem["message"]


def test_requests_of_two_threads_never_read_each_other(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/api/ai-strategies/{id}/active-model"
    etag = api.call("GET", path).headers["ETag"]
    both_inside = Barrier(2, timeout=10)
    answer = api.people.reading.active_model

    def active_model(*asked: UUID) -> Any:
        both_inside.wait()
        return answer(*asked)

    monkeypatch.setattr(api.people.reading, "active_model", active_model)
    told: dict[str, int] = {}

    def ask(if_none_match: str) -> None:
        headers = {"if-none-match": if_none_match}
        told[if_none_match] = api.call("GET", path, headers=headers).status

    threads = [Thread(target=ask, args=(known,)) for known in (etag, '"other"')]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == {etag: 304, '"other"': 200}


def test_what_a_strategy_is_called_is_text_and_nothing_else(api: Api) -> None:
    told = api.call("GET", "/api/ai-strategies/{id}")

    assert told.headers["Content-Type"] == "application/json"
    assert told.json["name"] == "<script>"
    assert re.fullmatch(r".*\bno-store\b.*", told.headers["Cache-Control"])


def test_a_model_brings_its_report_only_when_that_is_asked_for(api: Api) -> None:
    api.people.reports.found = {"format": 1}

    without = api.call("GET", "/api/ai-strategies/{id}/models/v2")
    whole = api.call("GET", "/api/ai-strategies/{id}/models/v2?report=true")

    assert (without.json["report"], whole.json["report"]) == (None, {"format": 1})
    assert api.people.reports.asked == [("models/u/s/v2", "b")]
