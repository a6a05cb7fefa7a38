"""The authorizer on the local stack: real Postgres, real secret, a real key set over HTTP."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from autoretrain.domain.access import Scope
from autoretrain.errors import BadSetting, DependencyError
from autoretrain_local import first_token
from tests.functions.conftest import Running
from tests.signers import JWT_SECRET, PERSON, ec_key, key_set, public_keys, rsa_key, signed
from tests.world import USER

APP = Path(__file__).parents[2] / "functions" / "authorizer" / "app.py"


@dataclass
class Issuer:
    """Serves its keys on loopback, or redirects to them from elsewhere."""

    url: str
    asked: list[str] = field(default_factory=list)
    redirects: bool = False

    def token(self, *args: Any, **changes: Any) -> str:
        return signed(*args, iss=self.url, **changes)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            if made.redirects and "moved" not in self.path:
                self.send_response(302)
                self.send_header("Location", f"{made.url}/moved/.well-known/jwks.json")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(key_set(public_keys()))

        def log_message(self, *_: Any) -> None:
            """A test says enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    made = Issuer(f"http://127.0.0.1:{server.server_port}/auth/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Function:
    """The authorizer as a new sandbox loads it."""

    app: ModuleType
    running: Running
    lines: list[str]

    def answer(self, header: str | None, name: str = "authorization") -> Any:
        headers = {} if header is None else {name: header}
        return json.loads(json.dumps(self.app.handler(request(headers), None)))

    def may(self, header: str) -> bool:
        return bool(self.answer(header)["isAuthorized"])

    def facts(self, message: str) -> list[dict[str, Any]]:
        facts = [json.loads(line) for line in self.lines]
        return [fact for fact in facts if fact["message"] == message]


@pytest.fixture
def function(
    running: Running, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Function]:
    monkeypatch.setenv("JWT_ISSUER", issuer.url)
    monkeypatch.setenv("JWT_AUDIENCE", "")
    spec = importlib.util.spec_from_file_location("fresh_authorizer", APP)
    assert spec is not None
    assert spec.loader is not None
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    heard = Lines()
    before = app.logger.registered_handler.setStream(heard)
    yield Function(app, running, heard.lines)
    app.logger.registered_handler.setStream(before)


@dataclass
class Lines:
    lines: list[str] = field(default_factory=list)

    def write(self, text: str) -> None:
        self.lines += [line for line in text.split("\n") if line]

    def flush(self) -> None:
        """Nothing waits."""


def request(headers: dict[str, str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html"""
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:api/$default/GET/api/tokens",
        "routeKey": "GET /api/tokens",
        "rawPath": "/api/tokens",
        "headers": {"accept": "*/*"} | headers,
        "requestContext": {"http": {"method": "GET"}, "requestId": "id"},
    }


def api_token(function: Function, *scopes: Scope) -> str:
    return first_token.create(function.running.world.url, USER, "bot", scopes or None)


def put_secret(**changes: Any) -> None:
    client = boto3.client("secretsmanager")
    arn = os.environ["DATABASE_SECRET_ARN"]
    secret = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
    client.put_secret_value(SecretId=arn, SecretString=json.dumps(secret | changes))


def test_api_token_is_answered_with_its_user_and_scopes(function: Function) -> None:
    token = api_token(function, Scope.MANAGE, Scope.READ)

    assert function.answer(f"Bearer {token}") == {
        "isAuthorized": True,
        "context": {
            "user_id": str(USER),
            "scopes": "read manage",
            "kind": "token",
            "token_id": token[4:12],
        },
    }


@pytest.mark.parametrize("kind", ["ES256", "RS256", "HS256"])
def test_person_is_answered_with_all_scopes(function: Function, issuer: Issuer, kind: str) -> None:
    put_secret(jwt_secret=JWT_SECRET)
    key = {"ES256": ec_key(), "RS256": rsa_key(), "HS256": JWT_SECRET}[kind]
    kid = {"ES256": "ec", "RS256": "rsa", "HS256": "legacy"}[kind]

    answer = function.answer(f"Bearer {issuer.token(key, kind, kid)}")

    assert answer == {
        "isAuthorized": True,
        "context": {
            "user_id": str(PERSON),
            "scopes": "read retrain manage",
            "kind": "jwt",
            "token_id": "",
        },
    }
    expected = [] if kind == "HS256" else ["/auth/v1/.well-known/jwks.json"]
    assert issuer.asked == expected


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
def test_header_has_no_case(function: Function, name: str) -> None:
    assert function.answer(f"bearer {api_token(function)}", name)["isAuthorized"]


def test_identity_source_is_what_the_answer_is_cached_under(function: Function) -> None:
    given = request({"authorization": "Bearer nonsense"})
    given["identitySource"] = [f"Bearer {api_token(function)}"]

    assert function.app.handler(given, None)["isAuthorized"]
    assert not function.app.handler(request({}) | {"headers": None}, None)["isAuthorized"]


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Basic Og==", "Bearer x", "Bearer ..", "\x00"]
)
def test_anything_else_is_refused_without_a_context(function: Function, header: str | None) -> None:
    assert function.answer(header) == {"isAuthorized": False, "context": {}}


def test_every_refusal_is_logged_with_its_reason_and_never_with_the_secret(
    function: Function, issuer: Issuer
) -> None:
    token = api_token(function)
    function.running.world.run("UPDATE autoretrain.api_tokens SET revoked_at = now()")
    web_token = issuer.token(aud="other")

    for header in (f"Bearer {token}", f"Bearer {web_token}", f"Basic {token}"):
        assert not function.may(header)

    told = function.facts("auto-retrain caller refused")
    assert [(fact["why"], fact["token_id"]) for fact in told] == [
        ("revoked", token[4:12]),
        ("the web token is refused: InvalidAudienceError", ""),
        ("not of the form: Bearer <token>", ""),
    ]
    logged = "\n".join(function.lines)
    assert token[13:] not in logged
    assert not any(part in logged for part in web_token.split("."))


def test_database_that_is_down_is_a_crash_not_a_refusal(function: Function, issuer: Issuer) -> None:
    token = api_token(function)
    put_secret(url="postgresql://me:hunter2@127.0.0.1:1/x")

    with pytest.raises(DependencyError):
        function.answer(f"Bearer {token}")

    (fact,) = function.facts("auto-retrain authorizer failed")
    assert fact["code"] == "db_unavailable"
    assert "hunter2" not in "\n".join(function.lines)
    assert function.may(f"Bearer {issuer.token()}")  # people need no database to be known


def test_issuer_that_redirects_is_an_outage(function: Function, issuer: Issuer) -> None:
    issuer.redirects = True

    with pytest.raises(DependencyError, match=r"jwks\.json does not give the keys"):
        function.answer(f"Bearer {issuer.token()}")
    assert len(issuer.asked) == 1
    assert function.may(f"Bearer {api_token(function)}")


def test_shared_secret_without_an_issuer_is_told_and_leaves_api_tokens_alone(
    function: Function, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JWT_ISSUER")
    assert not function.may(f"Bearer {issuer.token()}")
    function.app.authorizer.cache_clear()
    put_secret(jwt_secret=JWT_SECRET)

    with pytest.raises(BadSetting, match="JWT_ISSUER is not set"):
        function.answer(f"Bearer {issuer.token(JWT_SECRET, 'HS256')}")
    assert function.may(f"Bearer {api_token(function)}")


def test_shared_secret_is_not_read_anew_for_every_web_token(
    function: Function, issuer: Issuer
) -> None:
    put_secret(jwt_secret=JWT_SECRET)
    old, new = (issuer.token(secret, "HS256") for secret in (JWT_SECRET, "n" * 40))
    assert function.may(f"Bearer {old}")

    put_secret(jwt_secret="n" * 40)
    assert function.may(f"Bearer {old}")
    function.app.authorizer.cache_clear()
    assert function.may(f"Bearer {new}")


def test_api_token_loads_nothing_of_what_web_tokens_need(function: Function) -> None:
    token = api_token(function)
    script = (
        "import json, runpy, sys\n"
        f"app = runpy.run_path({str(APP)!r})\n"
        "headers = json.load(sys.stdin)\n"
        "answer = app['handler']({'headers': headers}, None)\n"
        "print(answer['isAuthorized'], {'jwt', 'cryptography'} & set(sys.modules))\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps({"authorization": f"Bearer {token}"}),
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.strip() == "True set()"
