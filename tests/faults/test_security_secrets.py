"""The one secret: what is in it reaches no log and no answer, and it may change at any time."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import boto3
import httpx
import pytest

from autoretrain.errors import AutoRetrainError
from autoretrain_local import first_token
from autoretrain_local.account import BUCKET, CONDITION_CHECK, DISPATCHER, TASK_STOPPED
from autoretrain_local.imports import Imports
from autoretrain_local.postgres import PostgresServer
from autoretrain_local.stack import LocalStack
from autoretrain_trainer import __main__ as trainer
from autoretrain_trainer import on_lambda
from tests.conftest import cloned
from tests.faults.rows import row
from tests.functions.conftest import event, now
from tests.signers import JWT_SECRET, signed
from tests.world import USER, World

FUNCTIONS = Path(__file__).parents[2] / "functions"
HALVES = ("hvn5kq0w", "tzr2m8xe")
LEAKY = {
    "refused": "postgresql://me:hvn5kq0wtzr2m8xe@127.0.0.1:1/db",
    "an @ in the password": "postgresql://me:hvn5kq0w@tzr2m8xe@127.0.0.1:1/db",
    "two @": "postgresql://me:hvn5kq0w@@tzr2m8xe@127.0.0.1:1/db",
    "a / in the password": "postgresql://me:hvn5kq0w/tzr2m8xe@127.0.0.1:1/db",
    "both": "postgresql://me:x@hvn5kq0w/tzr2m8xe@127.0.0.1:1/db",
    "a / behind a port": "postgresql://me:12/hvn5kq0wtzr2m8xe@127.0.0.1:1/db",
    "a ? and an @": "postgresql://me:hvn5kq0w?a@tzr2m8xe@127.0.0.1:1/db",
    "a % in the password": "postgresql://me:hvn5kq0w%zztzr2m8xe@127.0.0.1:1/db",
    "no host": "postgresql://me:hvn5kq0wtzr2m8xe",
    "an @ in the user": "postgresql://me@x:hvn5kq0wtzr2m8xe@127.0.0.1:1/db",
    "a / in the user": "postgresql://m/e:hvn5kq0wtzr2m8xe@127.0.0.1:1/db",
    "half a bracket": "postgresql://me:hvn5kq0wtzr2m8xe@[::1:1/db",
    "a NUL": "postgresql://me:hvn5kq0w\0tzr2m8xe@127.0.0.1:1/db",
    "half a character": "postgresql://me:hvn5kq0w\udc80tzr2m8xe@127.0.0.1:1/db",
    "no host of that name": "postgresql://me:hvn5kq0wtzr2m8xe@nowhere.invalid/db",
    "no scheme": "me:hvn5kq0wtzr2m8xe@127.0.0.1",
    "another scheme": "mysql://me:hvn5kq0wtzr2m8xe@127.0.0.1/db",
    "a DSN": "host=127.0.0.1 port=1 password=hvn5kq0wtzr2m8xe",
    "a DSN with a blank": "host=127.0.0.1 port=1 password=hvn5kq0w tzr2m8xe",
    "a DSN with a quote": "host=127.0.0.1 port=1 password='hvn5kq0w",
    "a port of letters": "host=127.0.0.1 port=hvn5kq0wtzr2m8xe",
}


@dataclass
class Site:
    """A running stack, and everything that anybody can read of it."""

    stack: LocalStack
    url: str
    token: str
    http: httpx.Client
    imports: Imports
    lines: list[str] = field(default_factory=list)

    def put_secret(self, url: str) -> None:
        arn = os.environ["DATABASE_SECRET_ARN"]
        text = json.dumps({"url": url})
        boto3.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=text)

    def invoke(self, function: str) -> Any:
        hour = {"strategy_ids": [str(UUID(int=7))], "slot": now()}
        sample = {
            DISPATCHER: event("scheduled") | {"time": now()},
            CONDITION_CHECK: hour,
            TASK_STOPPED: event("task_stopped_oom"),
        }[function]
        return self.stack.functions.invoke(function, sample)

    def ask(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def use_all(self) -> Iterator[str]:
        """Every process once, on a new connection; yields what each answers or ends with."""
        for function in (DISPATCHER, CONDITION_CHECK, TASK_STOPPED):
            yield str(self.invoke(function).payload)
        for path in ("/health", "/api/tokens"):
            yield self.ask(path).text
        api = self.imports.fresh(FUNCTIONS / "api" / "app.py")
        api.logger.registered_handler.setStream(_Heard(self.lines))
        yield str(api.handler(_request("/api/tokens"), None))
        yield self._deployed() + self.trained() + self._trained_on_lambda()

    def _deployed(self) -> str:
        app = self.imports.fresh(FUNCTIONS / "deployment" / "app.py")
        app.logger.registered_handler.setStream(_Heard(self.lines))
        put = {"Bucket": BUCKET, "Key": "answer"}
        url = boto3.client("s3").generate_presigned_url("put_object", Params=put)
        sample = event("deployment_schema_create") | {"ResponseURL": url}
        return str(app.handler(sample, _Context()))

    def trained(self) -> str:
        before = signal.getsignal(signal.SIGTERM)
        handler: Any = trainer.logger.registered_handler
        stream = handler.setStream(_Heard(self.lines))
        try:
            return f"exit code {trainer.main()}"
        finally:
            signal.signal(signal.SIGTERM, before)
            handler.setStream(stream)

    def _trained_on_lambda(self) -> str:
        on_lambda.working.cache_clear()
        try:
            return str(on_lambda.handler({}, _Context()))  # type: ignore[arg-type]
        except AutoRetrainError as exc:
            return str(exc)


class _Heard(io.StringIO):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def write(self, text: str) -> int:
        self._lines.append(text)
        return len(text)


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def _request(path: str) -> dict[str, Any]:
    from tests.unit.api.conftest import event as request_event

    return request_event("GET", path, "read", {})


@pytest.fixture(scope="module")
def site(
    postgres: PostgresServer, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    lines: list[str] = []
    for url in cloned(postgres, templates["tables"]):
        data = tmp_path_factory.mktemp("stack")
        with LocalStack(url, data, lines.append) as up:
            token, imports = first_token.create(url, USER, "test"), Imports()
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=up.url, headers=headers, timeout=60) as http:
                yield Site(up, url, token, http, imports, lines)
            imports.close()


def lose_connections(site: Site) -> None:
    """A function that is connected would never ask for the secret again."""
    World(site.url).run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )


@pytest.mark.parametrize("how", LEAKY)
@row("B35", "F28")
def test_password_reaches_no_log_and_no_answer_however_it_is_written(site: Site, how: str) -> None:
    site.put_secret(LEAKY[how])
    lose_connections(site)

    said = [*site.use_all(), *site.lines]

    site.put_secret(site.url)
    site.lines.clear()
    assert len(said) > 8
    assert not [text for text in said if any(half in text for half in HALVES)]


@pytest.mark.parametrize(
    "name",
    ["api", "authorizer", "condition_check", "deployment", "dispatcher", "task_stopped", "trainer"],
)
def test_no_exception_brings_a_secret_into_the_log_of_a_process(site: Site, name: str) -> None:
    logger: Any = trainer.logger
    if name != "trainer":
        logger = site.imports.fresh(FUNCTIONS / name / "app.py").logger
    lines: list[str] = []
    stream = logger.registered_handler.setStream(_Heard(lines))
    web_token = signed(JWT_SECRET, "HS256", "legacy")
    hidden = [site.token.split("_", 2)[2], *web_token.split("."), *HALVES]
    inner = ValueError(f"no answer from {LEAKY['refused']} for Bearer {web_token}")
    error = RuntimeError(f"cannot ask as {site.token}")
    error.__cause__ = inner

    logger.error("it went wrong: %s", inner, exc_info=error, extra={"why": error, "of": [inner]})

    logger.registered_handler.setStream(stream)
    assert "it went wrong: no answer from postgresql://[redacted]@127.0.0.1" in "".join(lines)
    assert not [secret for secret in hidden if secret in "".join(lines)]


@row("B35")
def test_health_names_the_setting_that_cannot_be_used(site: Site) -> None:
    site.put_secret("me:hvn5kq0wtzr2m8xe@127.0.0.1")
    lose_connections(site)

    told = site.ask("/health")

    site.put_secret(site.url)
    assert told.status_code == 503
    (problem,) = told.json()["problems"]
    assert problem["code"] == "bad_setting"
    assert problem["message"].startswith("the database URL cannot be read: it has the form")


@pytest.fixture
def logins(site: Site) -> Iterator[tuple[str, str]]:
    """Two logins that may do what the stack does, and no more."""
    world, names = World(site.url), (f"one_{uuid4().hex}", f"two_{uuid4().hex}")
    for name in names:
        world.run(f"CREATE ROLE {name} LOGIN IN ROLE autoretrain_api, autoretrain_trainer")
    yield names
    site.put_secret(site.url)
    lose_connections(site)
    for name in names:
        world.run(f"DROP ROLE {name}")


def url_of(site: Site, login: str) -> str:
    assert "postgres@" in site.url
    return site.url.replace("postgres@", f"{login}@")


def works(site: Site) -> bool:
    outcomes = [site.invoke(name) for name in (DISPATCHER, CONDITION_CHECK, TASK_STOPPED)]
    answers = [site.ask(path).status_code for path in ("/health", "/api/tokens")]
    fine = [outcome.error for outcome in outcomes] == [None] * 3 and answers == [200, 200]
    return fine and site.trained() == "exit code 0"


@row("F28")
def test_rotated_login_is_taken_up_by_every_function_at_its_next_connection(
    site: Site, logins: tuple[str, str]
) -> None:
    old, new = logins
    site.put_secret(url_of(site, old))
    lose_connections(site)
    assert works(site)

    # As a rotation does: the new login is there before the old one ends.
    site.put_secret(url_of(site, new))
    World(site.url).run(f"ALTER ROLE {old} NOLOGIN")
    assert works(site)
    lose_connections(site)

    assert works(site)


@row("F28")
def test_login_that_is_wrong_is_told_once_and_tried_again_at_the_next_call(
    site: Site, logins: tuple[str, str]
) -> None:
    old, _ = logins
    World(site.url).run(f"ALTER ROLE {old} NOLOGIN")
    site.put_secret(url_of(site, old))
    lose_connections(site)
    site.lines.clear()

    outcome, answer = site.invoke(DISPATCHER), site.ask("/health")

    assert "does not let us in" in str(outcome.payload)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (503, "db_unavailable")
    site.put_secret(site.url)
    assert works(site)
