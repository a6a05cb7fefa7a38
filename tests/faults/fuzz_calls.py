"""Events and requests that make no sense, by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from autoretrain_local.account import CONDITION_CHECK, DISPATCHER, TASK_STOPPED
from tests.world import USER

TOKENS = "/api/tokens"
SAMPLES = {
    DISPATCHER: ("scheduled", "stack_created"),
    CONDITION_CHECK: ("condition_check",),
    TASK_STOPPED: ("task_stopped_oom", "task_stopped_never_started"),
}
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0).isoformat()
NOBODY = str(UUID(int=7))
STOPPED = {"lastStatus": "STOPPED", "taskArn": "a"}
STRANGE: dict[str, list[Any]] = {
    DISPATCHER: [{}, {"time": None}, {"time": "soon"}, {"time": 1e9}, [], None, "x"],
    CONDITION_CHECK: [
        {},
        {"slot": HOUR},
        {"strategy_ids": [NOBODY]},
        {"strategy_ids": NOBODY, "slot": HOUR},
        {"strategy_ids": ["' OR 1=1--"], "slot": HOUR},
        {"strategy_ids": [NOBODY], "slot": "2026-13-01T00:00:00Z"},
        {"strategy_ids": [NOBODY], "slot": "0001-01-01T00:00:00+14:00"},
        [],
        None,
    ],
    TASK_STOPPED: [
        {},
        {"detail": None},
        {"detail": {}},
        {"detail": {"lastStatus": "STOPPED"}},
        {"detail": {**STOPPED, "lastStatus": "RUNNING"}},
        {"detail": {**STOPPED, "taskArn": {"$ne": 1}}},
        {"detail": {**STOPPED, "taskArn": "a\0b"}},
        {"detail": {**STOPPED, "containers": [None]}},
        {"detail": {**STOPPED, "containers": "trainer"}},
        {"detail": {**STOPPED, "containers": [{"name": "trainer", "exitCode": "?"}]}},
        {"detail-type": "ECS Container Instance State Change", "detail": {"status": "ACTIVE"}},
        [],
        None,
    ],
}
AROUND_THE_DOOR = [
    ("GET", "/health/../api/tokens", {}),
    ("GET", "/assets/../api/tokens", {}),
    ("GET", "/assets/%2e%2e/api/tokens", {}),
    ("GET", "/assets/..%2fapi%2ftokens", {}),
    ("GET", "//api/tokens", {}),
    ("GET", "/api//tokens", {}),
    ("GET", "/api/tokens/", {}),
    ("GET", "/API/TOKENS", {}),
    ("GET", "/api/tokens;x=/health", {}),
    ("GET", "/api/tokens%00/health", {}),
    ("GET", "/api/tokens?path=/health", {}),
    ("GET", "/openapi.json/../api/tokens", {}),
    ("OPTIONS", TOKENS, {}),
    ("HEAD", TOKENS, {}),
    ("TRACE", TOKENS, {}),
    ("POST", "/health", {"X-HTTP-Method-Override": "GET", "X-Original-URL": TOKENS}),
    ("GET", TOKENS, {"X-Original-URL": "/health", "X-Rewrite-URL": "/health"}),
    ("GET", TOKENS, {"X-Forwarded-For": "127.0.0.1", "X-User-Id": str(USER)}),
    ("GET", TOKENS, {"Cookie": "Authorization=Bearer {token}; access_token={token}"}),
    ("GET", TOKENS, {"Proxy-Authorization": "Bearer {token}"}),
    ("GET", TOKENS, {"X-Authorization": "Bearer {token}"}),
    ("GET", TOKENS, {"Authorization": "Bearer x, Bearer {token}"}),
    ("GET", TOKENS, {"Authorization": "Bearer {token} x"}),
    ("GET", TOKENS, {"Authorization": "Bearer\t{token}"}),
    ("GET", TOKENS, {"Authorization": "Basic {token}"}),
    ("GET", TOKENS, {"Authorization": "{token}"}),
    ("GET", f"{TOKENS}?authorization=Bearer%20{{token}}&access_token={{token}}", {}),
]
