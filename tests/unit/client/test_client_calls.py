from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from autoretrain_client import AsyncClient, Client, answers
from autoretrain_client.errors import NotUnderstood
from tests.unit.client.published import pointer
from tests.unit.client.scripted import (
    RUN,
    STRATEGY,
    TOKEN,
    URL,
    Ask,
    Script,
    answer,
    ask,
    ask_async,
    decision,
    model,
    report,
    retrain,
    run,
    strategy,
)

BOTH = pytest.mark.parametrize("client", [ask, ask_async])
OF_STRATEGY = f"/prod/api/ai-strategies/{STRATEGY}"
TOKEN_ROW = {
    "id": "abcdefgh",
    "name": "bot",
    "scopes": ["read"],
    "created_at": "2026-11-16T10:00:00Z",
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}
SUMMARY = {
    "id": STRATEGY,
    "name": "Breakout",
    "is_active": True,
    "ml_training_enabled": True,
    "ml_model_version": None,
    "ml_model_trained_at": None,
    "accuracy": None,
    "paused_reason": None,
    "pinned_version": None,
    "waiting_version": None,
    "failures": 0,
    "next_eligible_at": None,
    "last_decision": {
        "decided_at": "2026-11-16T10:00:00Z",
        "should_retrain": False,
        "outcome": "no",
        "reason": "17 of 30",
    },
    "live_run": {"id": RUN, "status": "running", "phase": "fitting", "round": 1, "rounds": 60},
}
ACTIVATION = {
    "id": 1,
    "version": "v2",
    "previous_version": "v1",
    "activated_at": "2026-11-16T10:00:00Z",
    "run_id": RUN,
    "activated_by": None,
    "why": "better",
}
WEEK = {
    "week": "2026-11-16",
    "trades": 40,
    "wins": 22,
    "win_rate": 0.55,
    "win_rate_low": 0.4,
    "win_rate_high": 0.69,
    "pnl_pct": 3,
    "enough": True,
}
HEALTHY = {"ok": True, "version": "0.1.0", "problems": []}


def page(*items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items), "next": None}


# What is asked, what the server answers, what it has been sent: method and path, then the body.
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], Any, str, Any]] = [
    ("health", (), {}, HEALTHY, "GET /prod/health", None),
    ("strategies", (), {}, page(SUMMARY), "GET /prod/api/ai-strategies?sort=name&limit=200", None),
    (
        "strategies",
        (),
        {"search": "a&b", "sort": "-trained_at"},
        page(SUMMARY),
        "GET /prod/api/ai-strategies?search=a%26b&sort=-trained_at&limit=200",
        None,
    ),
    ("strategy", (UUID(STRATEGY),), {}, strategy(), f"GET {OF_STRATEGY}", None),
    ("strategy", ("a/b?c",), {}, strategy(), "GET /prod/api/ai-strategies/a%2Fb%3Fc", None),
    (
        "change_settings",
        (STRATEGY, {"model_max_age_days": None}),
        {},
        strategy(),
        f"PATCH {OF_STRATEGY}",
        {"model_max_age_days": None},
    ),
    ("models", (STRATEGY,), {}, page(model()), f"GET {OF_STRATEGY}/models?limit=200", None),
    ("model", (STRATEGY, "v2"), {}, report(), f"GET {OF_STRATEGY}/models/v2", None),
    (
        "activate",
        (STRATEGY, "v1"),
        {"reason": "losing"},
        strategy(),
        f"POST {OF_STRATEGY}/models/v1/activate",
        {"reason": "losing", "force": False},
    ),
    ("unpin", (STRATEGY,), {}, strategy(), f"POST {OF_STRATEGY}/unpin", None),
    ("resume", (STRATEGY,), {}, strategy(), f"POST {OF_STRATEGY}/resume", None),
    (
        "decisions",
        (STRATEGY,),
        {},
        page(decision()),
        f"GET {OF_STRATEGY}/decisions?limit=200",
        None,
    ),
    (
        "activations",
        (STRATEGY,),
        {},
        page(ACTIVATION),
        f"GET {OF_STRATEGY}/activations?limit=200",
        None,
    ),
    ("runs", (STRATEGY,), {}, page(run()), f"GET {OF_STRATEGY}/training-runs?limit=200", None),
    (
        "performance",
        (STRATEGY,),
        {"weeks": 4},
        {"weeks": [WEEK]},
        f"GET {OF_STRATEGY}/performance?weeks=4",
        None,
    ),
    ("run", (RUN,), {}, run(), f"GET /prod/training-runs/{RUN}", None),
    ("cancel", (RUN,), {}, run("cancelled"), f"POST /prod/training-runs/{RUN}/cancel", None),
    ("wait", (RUN,), {}, run("failed"), f"GET /prod/training-runs/{RUN}", None),
    (
        "check",
        (STRATEGY,),
        {"force": True},
        retrain(run()),
        f"POST {OF_STRATEGY}/auto-retrain",
        {"force": True},
    ),
    (
        "retrain",
        (UUID(STRATEGY),),
        {"reason": "new market", "feature_weights": {"rsi": 2.0}},
        retrain(run()),
        "POST /prod/auto-retrain",
        {"strategy_id": STRATEGY, "reason": "new market", "feature_weights": {"rsi": 2.0}},
    ),
    (
        "train",
        (STRATEGY,),
        {"min_trades": 80},
        retrain(run()),
        "POST /prod/train-strategy",
        {"strategy_id": STRATEGY, "min_trades": 80},
    ),
    ("tokens", (), {}, page(TOKEN_ROW), "GET /prod/api/tokens", None),
    (
        "create_token",
        ("bot",),
        {"scopes": ("read",), "expires_in_days": 30},
        TOKEN_ROW | {"token": "arp_new"},
        "POST /prod/api/tokens",
        {"name": "bot", "scopes": ["read"], "expires_in_days": 30},
    ),
    ("revoke_token", ("abcdefgh",), {}, None, "DELETE /prod/api/tokens/abcdefgh", None),
]


@BOTH
@pytest.mark.parametrize(("name", "args", "kwargs", "answered", "sent", "body"), CALLS)
def test_call_is_sent_as_the_api_expects_it(
    client: Ask,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    answered: Any,
    sent: str,
    body: Any,
) -> None:
    script = Script([answer(answered)])
    client(script, name, *args, **kwargs)
    assert script.said() == [sent]
    [request] = script.requests
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert (json.loads(request.content) if request.content else None) == body


def test_every_call_is_tried_here() -> None:
    listed = {name for name in dir(answers_of_both()) if not name.startswith("_")}
    assert listed == {name for name, *_ in CALLS} | {"active_model"}


def answers_of_both() -> type:
    [both] = Client.__bases__
    assert AsyncClient.__bases__ == (both,)
    return both


def test_call_explains_itself() -> None:
    assert "significantly worse" in str(Client.train.__doc__)
    with Client(URL, TOKEN) as client:
        assert client.train.__doc__ == Client.train.__doc__


def test_answer_is_a_value_with_its_times_read() -> None:
    found = ask(Script([answer(strategy())]), "strategy", STRATEGY)
    assert isinstance(found, answers.Strategy)
    assert found.id == UUID(STRATEGY)
    assert found.ml_model_trained_at == datetime(2026, 11, 16, 10, tzinfo=UTC)
    assert found.settings.max_age_days == 7.0
    assert isinstance(found.settings.max_age_days, float)
    assert found.settings.allowed_features == ("exit_fee",)
    assert found.champion is not None
    assert found.champion.roc_auc is None
    assert found.last_decision is not None
    assert found.last_decision.conditions[0].figures == {"new_trades": 54}
    assert found.live_run is not None
    assert not found.live_run.ended
    with pytest.raises(AttributeError):
        found.name = "other"  # type: ignore[misc]


def test_report_of_a_model_is_a_model_too() -> None:
    found = ask(Script([answer(report())]), "model", STRATEGY, "v2")
    assert (found.accuracy, found.verdict) == (0.68, {"z": 1.5})


def test_week_starts_on_a_date() -> None:
    found = ask(Script([answer({"weeks": [WEEK]})]), "performance", STRATEGY)
    assert found.weeks[0].week == date(2026, 11, 16)


def test_what_a_newer_server_adds_is_left_out() -> None:
    newer = run() | {"colour": "blue"}
    assert ask(Script([answer(newer)]), "run", RUN) == ask(Script([answer(run())]), "run", RUN)


def test_what_may_be_missing_may_also_be_left_out() -> None:
    older = {name: value for name, value in run().items() if name != "rows_dropped"}
    assert ask(Script([answer(older)]), "run", RUN).rows_dropped is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"status": None}, "status"),
        ({"attempt": True}, "attempt"),
        ({"attempt": 1.5}, "attempt"),
        ({"training_seconds": "12"}, "training_seconds"),
        ({"queued_at": "2026-11-16T10:00:00"}, "queued_at"),
        ({"queued_at": 1}, "queued_at"),
        ({"id": 5}, "id"),
        ({"id": "5"}, "id"),
        ({"feature_weights": [1]}, "feature_weights"),
        ({"error": "text"}, "error"),
    ],
)
def test_answer_that_is_not_as_agreed_is_refused_by_name(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(NotUnderstood, match=rf"the answer's {field} "):
        ask(Script([answer(run(**changes))]), "run", RUN)


@pytest.mark.parametrize("body", [{}, [], "text", None])
def test_answer_of_something_else_is_refused(body: Any) -> None:
    with pytest.raises(NotUnderstood, match="is this auto-retrain's URL"):
        ask(Script([answer(body)]), "run", RUN)


@BOTH
def test_list_goes_on_over_its_pages(client: Ask) -> None:
    pages = [
        answer({"items": [model("v4"), model("v3")], "next": "a/b="}),
        answer({"items": [], "next": "c"}),
        answer({"items": [model("v2")], "next": None}),
    ]
    script = Script(pages)
    found = client(script, "models", STRATEGY)
    assert [each.version for each in found] == ["v4", "v3", "v2"]
    assert [each.url.params.get("cursor") for each in script.requests] == [None, "a/b=", "c"]
    assert [each.url.params.get("limit") for each in script.requests] == ["200"] * 3


@BOTH
@pytest.mark.parametrize(
    ("limit", "asked"),
    [(1, [1]), (20, [20]), (200, [200]), (201, [200, 1]), (450, [200, 200, 50])],
)
def test_no_more_runs_are_asked_for_than_are_wanted(
    limit: int, asked: list[int], client: Ask
) -> None:
    pages = [answer({"items": [run()] * count, "next": f"after {count}"}) for count in asked]
    script = Script([*pages, answer(page())])
    assert len(client(script, "runs", STRATEGY, limit=limit)) == limit
    assert [int(each.url.params["limit"]) for each in script.requests] == asked


def test_runs_are_no_more_than_wanted_when_the_server_gives_more() -> None:
    script = Script([answer({"items": [run()] * 5, "next": "more"}), answer(page())])
    assert len(ask(script, "runs", STRATEGY, limit=3)) == 3
    assert len(script.requests) == 1


def test_list_asks_for_no_page_that_nobody_reads() -> None:
    script = Script([answer({"items": [model("v4"), model("v3")], "next": "a"})])
    with Client(URL, TOKEN, transport=httpx.MockTransport(script.handle)) as client:
        found = client.models(STRATEGY)
        assert script.requests == []
        assert [next(found).version, next(found).version] == ["v4", "v3"]
    assert len(script.requests) == 1


def test_active_model_is_none_when_nothing_has_changed() -> None:
    script = Script([answer(pointer(), ETag='"1"'), answer(None, 304)])
    assert ask(script, "active_model", STRATEGY).etag == '"1"'
    assert ask(script, "active_model", STRATEGY, etag='"1"') is None
    assert [each.headers.get("If-None-Match") for each in script.requests] == [None, '"1"']


def test_links_and_new_tokens_are_not_shown() -> None:
    found = ask(Script([answer(pointer(model_url="secret"))]), "active_model", STRATEGY)
    assert found.model_url == "secret"
    assert "secret" not in repr(found)
    created = ask(Script([answer(TOKEN_ROW | {"token": "arp_new"})]), "create_token", "bot")
    assert created.token == "arp_new"
    assert "arp_new" not in repr(created)


def test_health_that_is_bad_is_an_answer() -> None:
    sick = {"ok": False, "version": "0.1.0", "problems": [{"code": "db", "message": "down"}]}
    script = Script([answer(sick, 503)])
    found = ask(script, "health")
    assert (found.ok, found.problems) == (False, (answers.Problem("db", "down"),))
    assert len(script.requests) == 1
