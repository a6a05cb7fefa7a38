from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from autoretrain_local import first_token
from tests.faults.rows import row
from tests.functions.api.conftest import UNKNOWN, USED_KEY, Site, bearer
from tests.signers import JWT_SECRET, signed
from tests.world import USER

CHECK = "/api/ai-strategies/{id}/auto-retrain"
SETTINGS = "/api/ai-strategies/{id}"
UNAUTHORIZED = {"message": "Unauthorized"}
FORBIDDEN = {"message": "Forbidden"}
NOT_FOUND = {"message": "Not Found"}
TOO_LARGE = {"message": "Request Entity Too Large"}


@dataclass(frozen=True)
class Bad:
    """A request that deserves no better; `expected` is a code of ours, or the gateway's body."""

    row: str
    method: str
    path: str
    status: int
    expected: str | dict[str, str]
    body: str | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def patch(row: str, body: str, status: int = 422, expected: str = "invalid_request") -> Bad:
    return Bad(row, "PATCH", SETTINGS, status, expected, body)


def post(row: str, body: str | bytes, status: int, expected: str) -> Bad:
    return Bad(row, "POST", CHECK, status, expected, body)


def get(row: str, path: str, status: int = 422, expected: Any = "invalid_request") -> Bad:
    return Bad(row, "GET", path, status, expected)


def as_somebody(row: str, authorization: str) -> Bad:
    headers = {"Authorization": authorization}
    return Bad(row, "GET", "/api/ai-strategies", 403, FORBIDDEN, headers=headers)


def keyed(row: str, key: str) -> Bad:
    headers = {"Idempotency-Key": key}
    return Bad(row, "POST", CHECK, 422, "invalid_request", "{}", headers)


def signed_in(row: str, *args: Any, **claims: Any) -> Bad:
    key = args or (JWT_SECRET, "HS256", "legacy")
    return as_somebody(row, f"Bearer {signed(*key, sub=str(USER), **claims)}")


UNSIGNED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIwMDAwIn0."  # {"alg":"none"} . {"sub":"0000"} .
BAD = [
    Bad("B1 no token", "GET", "/api/tokens", 401, UNAUTHORIZED, headers={"Authorization": ""}),
    as_somebody("B1 scheme alone", "Bearer"),
    as_somebody("B1 another scheme", "Basic dXNlcjpwYXNz"),
    get("B2 a stranger's strategy", "/api/ai-strategies/{stranger}", 404, "unknown_strategy"),
    as_somebody("B3 unsigned web token", f"Bearer {UNSIGNED}"),
    signed_in("B3 expired", exp=timedelta(hours=-1)),
    signed_in("B3 another audience", aud="anon"),
    signed_in("B3 another issuer", iss="https://other.supabase.co/auth/v1"),
    signed_in("B3 another secret", "x" * 40, "HS256", "legacy"),
    as_somebody("B4 a token that is none", f"Bearer arp_abcd1234_{'A' * 43}"),
    Bad(
        "B24 a key of another request",
        "POST",
        "/train-strategy",
        409,
        "idempotency_conflict",
        '{"strategy_id": "{strategy}", "min_trades": 61}',
        {"Idempotency-Key": USED_KEY},
    ),
    Bad("B5 no body", "POST", "/train-strategy", 422, "invalid_request"),
    post("B5 a list", "[]", 422, "invalid_request"),
    post("B5 a text", '"x"', 422, "invalid_request"),
    post("B5 null", "null", 422, "invalid_request"),
    post("B6 half an object", "{bad", 422, "invalid_json"),
    post("B6 byte order mark", b"\xef\xbb\xbf{}", 422, "invalid_json"),
    post("B7 more than 64 KB", '{"x": "' + "x" * 65_536 + '"}', 413, "too_large"),
    Bad("B7 more than 10 MB", "POST", CHECK, 413, TOO_LARGE, b"x" * (10 * 1024 * 1024 + 1)),
    post("B8 deep", "[" * 20_000, 400, "unreadable_json"),
    patch("B9 5,000 digits", f'{{"new_trades_threshold": {"9" * 5000}}}', 400, "unreadable_json"),
    patch("B10 2^70", f'{{"new_trades_threshold": {2**70}}}'),
    patch("B11 NaN", '{"degradation_ratio": NaN}', expected="invalid_json"),
    patch("B11 overflow", '{"degradation_ratio": 1e999}'),
    patch("B12 NUL", '{"allowed_features": ["a\\u0000b"]}'),
    patch("B13 lone surrogate", '{"allowed_features": ["\\ud800"]}'),
    post("B14 yes for true", '{"force": "yes"}', 422, "invalid_request"),
    patch("B14 text for a number", '{"new_trades_threshold": "1"}'),
    patch("B15 unknown field", '{"colour": "red"}'),
    patch("B16 twice", '{"max_age_days": 1, "max_age_days": 2}', 400, "unreadable_json"),
    Bad(
        "B17 a form",
        "POST",
        CHECK,
        415,
        "unsupported_media_type",
        "force=true",
        {"Content-Type": "application/x-www-form-urlencoded"},
    ),
    post("B18 not UTF-8", b"\xff\xfe\x00", 400, "unreadable_json"),
    get("B19 SQL", "/api/ai-strategies/'%20OR%201=1--"),
    get("B19 more SQL", "/api/ai-strategies/;%20drop%20table%20trades"),
    get("B20 dots", "/api/ai-strategies/%2e%2e%2f"),
    get("B20 NUL", "/api/ai-strategies/%00"),
    get("B20 blanks", "/api/ai-strategies/%20%20"),
    get("B21 10 KB", f"/api/ai-strategies/{'x' * 10_240}"),
    Bad("B22 wrong method", "DELETE", "/api/ai-strategies", 404, NOT_FOUND),
    get("B22 unknown path", "/api/nothing", 404, NOT_FOUND),
    keyed("B23 empty", ""),
    keyed("B23 200 characters", "x" * 200),
    keyed("B23 not ASCII", "schl\u00fcssel"),
    patch("B29 a hyper-parameter", '{"num_leaves": 1000000000}'),
    patch("B29 a file", '{"feature_weights": {"input_model": "/etc/passwd"}}'),
    patch("B31 a webhook", '{"webhook_url": "http://169.254.169.254/latest/meta-data/"}'),
    patch("B31 a target of notifications", '{"notify": ["https://[::1]/", "http://2130706433"]}'),
    get("B33 negative", "/api/ai-strategies?limit=-1"),
    get("B33 huge", "/api/ai-strategies?limit=1000000000"),
    get("B33 forged", "/api/ai-strategies?cursor=forged"),
    get("B33 forged for runs", "/api/ai-strategies/{id}/training-runs?cursor=12"),
    get("B33 forged for decisions", "/api/ai-strategies/{id}/decisions?cursor=99999999999999"),
]


def send(site: Site, bad: Bad) -> tuple[int, str, Any]:
    """As it is: no library tidies the path or the headers."""
    owner, stranger = str(site.owner.strategy_id), str(site.stranger.strategy_id)
    path = bad.path.replace("{id}", owner).replace("{stranger}", stranger)
    headers = {**bearer(site.owner.token), "Content-Type": "application/json", **bad.headers}
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=60)
    body = bad.body.replace("{strategy}", owner) if isinstance(bad.body, str) else bad.body
    connection.request(bad.method, path, body.encode() if isinstance(body, str) else body, headers)
    answer = connection.getresponse()
    told = answer.read().decode()
    media_type = str(answer.getheader("Content-Type"))
    connection.close()
    return answer.status, media_type, json.loads(told)


def count_trades(site: Site) -> int:
    return int(site.world.run("SELECT count(*) AS n FROM trades")[0].n)


@pytest.mark.parametrize(
    "bad", [pytest.param(bad, id=bad.row, marks=pytest.mark.row(bad.row.split()[0])) for bad in BAD]
)
def test_a_bad_request_gets_the_answer_it_deserves(site: Site, bad: Bad) -> None:
    status, media_type, told = send(site, bad)

    assert status == bad.status, told
    assert media_type == "application/json"
    if isinstance(bad.expected, dict):
        assert told == bad.expected
        return
    assert set(told) == {"error"}
    assert set(told["error"]) == {"code", "message", "request_id"}
    assert told["error"]["code"] == bad.expected
    assert "SELECT" not in told["error"]["message"]
    assert count_trades(site) == 240


@row("B2")
def test_a_stranger_s_strategy_is_answered_as_an_unknown_one(site: Site) -> None:
    theirs = site.owner.http.get(f"/api/ai-strategies/{site.stranger.strategy_id}")
    nobody_s = site.owner.http.get(f"/api/ai-strategies/{UNKNOWN}")

    told = [answer.json()["error"] | {"request_id": ""} for answer in (theirs, nobody_s)]
    assert theirs.status_code == nobody_s.status_code == 404
    assert told[0] == told[1]


def test_a_person_who_is_signed_in_reads_what_is_theirs(site: Site) -> None:
    text = signed(JWT_SECRET, "HS256", "legacy", sub=str(USER))
    told = site.owner.http.get("/api/ai-strategies", headers=bearer(text))

    assert [one["id"] for one in told.json()["items"]] == [str(site.owner.strategy_id)]


@row("B4")
def test_a_revoked_token_is_refused(site: Site) -> None:
    token = first_token.create(site.world.url, site.owner.user_id, "short lived")
    revoked = site.owner.http.delete(f"/api/tokens/{token.split('_')[1]}")
    told = site.owner.http.get("/api/tokens", headers=bearer(token))

    assert revoked.status_code == 204
    assert (told.status_code, told.text) == (403, '{"message":"Forbidden"}')


@row("B24")
def test_a_key_asks_for_one_run_and_another_body_is_a_conflict(site: Site) -> None:
    headers = {"Idempotency-Key": "twice", "Prefer": "wait=25"}
    body = {"strategy_id": str(site.owner.strategy_id)}

    first, again, other = (
        site.owner.http.post("/train-strategy", json=body | more, headers=headers)
        for more in ({}, {"strategy_type": "ai_strategy"}, {"min_trades": 61})
    )

    runs = [answer.json()["training_run"]["id"] for answer in (first, again)]
    assert runs[0] == runs[1]
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize("name", ["<script>", "\u202egnp.exe", "🚀", "=cmd|' /C calc'!A0"])
@row("B30")
def test_a_strategy_s_name_is_text_whatever_it_says(site: Site, name: str) -> None:
    strategy_id = site.world.strategy(name)

    told = site.owner.http.get(f"/api/ai-strategies/{strategy_id}")
    site.owner.http.post(f"/api/ai-strategies/{strategy_id}/resume")

    assert told.json()["name"] == name
    assert all(json.loads(line) for line in site.lines)
