"""The deployment's custom resources on real Postgres, answering a real HTTP endpoint."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import boto3
import psycopg2
import pytest

from autoretrain.aws.cloudformation import LONGEST_SECONDS, MAX_BYTES
from autoretrain.storage.migrate import LOCK, migrations
from autoretrain_local.aws import MotoAws
from autoretrain_local.imports import Imports
from tests.faults.rows import row
from tests.functions.conftest import event
from tests.world import World

APP = Path(__file__).parents[2] / "functions" / "deployment" / "app.py"
NAMES = [name for name, _ in migrations()]
VERSION = NAMES[-1][:4]
IMAGE = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/auto-retrain/trainer@sha256:{'0c' * 32}"
WAIT_SECONDS = 30


@dataclass
class Context:
    """Lambda's, with so much time left."""

    seconds: float = 100.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Aws:
    """CloudFormation's address that takes an answer, and Lambda's that knows functions."""

    url: str
    statuses: list[int] = field(default_factory=list)
    functions: dict[str, tuple[int, Any]] = field(default_factory=dict)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    answered: threading.Event = field(default_factory=threading.Event)

    def take(self, content_type: str, body: bytes) -> int:
        self.taken.append((content_type, body))
        self.answered.set()
        return self.statuses.pop(0) if self.statuses else 200

    @property
    def answer(self) -> Any:
        (_, body), *others = self.taken
        assert others == []
        return json.loads(body)


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoAws]:
    with MotoAws(tmp_path_factory.mktemp("aws")) as made:
        yield made


@pytest.fixture
def aws(moto: MotoAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    class Exchange(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._send(made.take(self.headers["Content-Type"], body), b"")

        def do_GET(self) -> None:
            name = unquote(self.path.rpartition("/")[2])
            status, answer = made.functions[name]
            self._send(status, json.dumps(answer).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """A test says enough."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Exchange) as server:
        made = Aws(f"http://127.0.0.1:{server.server_port}")
        for name, value in moto.environment(made.url).items():
            monkeypatch.setenv(name, value)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def log() -> StringIO:
    return StringIO()


@pytest.fixture
def app(aws: Aws, log: StringIO) -> Iterator[ModuleType]:
    imports = Imports()
    fresh = imports.fresh(APP)
    fresh.logger.registered_handler.setStream(log)
    yield fresh
    imports.close()


@pytest.fixture
def secret(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the stack's database secret."""

    def make(url: str) -> None:
        text = json.dumps({"url": url})
        client = boto3.client("secretsmanager")
        arn = client.create_secret(Name=str(uuid4()), SecretString=text)["ARN"]
        monkeypatch.setenv("DATABASE_SECRET_ARN", arn)

    return make


def schema_event(aws: Aws, **changes: Any) -> dict[str, Any]:
    return event("deployment_schema_create") | {"ResponseURL": f"{aws.url}/answer"} | changes


def image_event(aws: Aws, **changes: Any) -> dict[str, Any]:
    return event("deployment_image_update") | {"ResponseURL": f"{aws.url}/answer"} | changes


def only_checking(aws: Aws) -> dict[str, Any]:
    given = schema_event(aws)
    given["ResourceProperties"]["Migrate"] = "false"
    return given


def test_sample_event_asks_for_the_newest_schema() -> None:
    asked = event("deployment_schema_create")["ResourceProperties"]["SchemaVersion"]
    assert asked == VERSION


def test_new_stack_migrates_its_database(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], blank: str
) -> None:
    secret(blank)
    given = schema_event(aws)

    told = app.handler(given, Context())

    assert told == aws.answer
    assert aws.answer == {
        "Status": "SUCCESS",
        "Reason": f"the schema is at {VERSION}",
        "PhysicalResourceId": "auto-retrain-DatabaseSchema",
        "StackId": given["StackId"],
        "RequestId": given["RequestId"],
        "LogicalResourceId": "DatabaseSchema",
        "Data": {"SchemaVersion": VERSION},
    }
    applied = World(blank).run("SELECT name FROM autoretrain.schema_migrations ORDER BY name")
    assert [row.name for row in applied] == NAMES


def test_answer_has_no_content_type_for_its_address_is_signed_without(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], clone: str
) -> None:
    secret(clone)
    app.handler(schema_event(aws), Context())
    assert [content_type for content_type, _ in aws.taken] == [""]


def test_update_of_a_migrated_database_changes_nothing_and_keeps_its_id(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], clone: str
) -> None:
    secret(clone)
    before = World(clone).run("SELECT * FROM autoretrain.schema_migrations ORDER BY name")

    app.handler(
        schema_event(aws, RequestType="Update", PhysicalResourceId="given-before"), Context()
    )

    assert (aws.answer["Status"], aws.answer["PhysicalResourceId"]) == ("SUCCESS", "given-before")
    assert World(clone).run("SELECT * FROM autoretrain.schema_migrations ORDER BY name") == before


def test_advice_on_the_users_own_table_is_passed_on(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], blank: str
) -> None:
    secret(blank)
    World(blank).run(
        "CREATE TABLE trades (id bigint, strategy_id uuid, symbol text, side text,"
        " decided_at timestamptz, closed_at timestamptz, pnl_pct numeric, features jsonb)"
    )

    app.handler(schema_event(aws), Context())

    assert aws.answer["Status"] == "SUCCESS"
    assert "CREATE INDEX trades_closed ON public.trades" in aws.answer["Reason"]


def test_missing_column_of_the_users_own_table_fails_the_deploy_by_name(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], blank: str
) -> None:
    secret(blank)
    World(blank).run("CREATE TABLE ai_strategies (id uuid, user_id uuid, is_active boolean)")

    app.handler(schema_event(aws), Context())

    assert aws.answer["Status"] == "FAILED"
    assert aws.answer["Reason"] == (
        "column public.ai_strategies.name is missing: add it, or a view that has it"
    )
    assert World(blank).run("SELECT nspname FROM pg_namespace WHERE nspname = 'autoretrain'") == []


def test_check_alone_is_content_with_a_migrated_database(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], clone: str
) -> None:
    secret(clone)
    app.handler(only_checking(aws), Context())
    assert (aws.answer["Status"], aws.answer["Data"]) == ("SUCCESS", {"SchemaVersion": VERSION})


def test_check_alone_names_what_is_missing_and_what_to_run(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], clone: str
) -> None:
    secret(clone)
    World(clone).run("DELETE FROM autoretrain.schema_migrations WHERE name = %s", NAMES[-1])

    app.handler(only_checking(aws), Context())

    assert aws.answer["Status"] == "FAILED"
    assert NAMES[-1] in aws.answer["Reason"]
    assert NAMES[0] not in aws.answer["Reason"]
    assert "autoretrain migrate --database-url" in aws.answer["Reason"]
    (left,) = World(clone).run("SELECT count(*) FROM autoretrain.schema_migrations")
    assert left.count == len(NAMES) - 1


def test_check_alone_leaves_an_empty_database_empty(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], blank: str
) -> None:
    secret(blank)

    app.handler(only_checking(aws), Context())

    assert aws.answer["Status"] == "FAILED"
    assert "autoretrain migrate" in aws.answer["Reason"]
    assert World(blank).run("SELECT nspname FROM pg_namespace WHERE nspname = 'autoretrain'") == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("postgresql://me:hunter2@127.0.0.1:1/db", "Connection refused", id="refused"),
        pytest.param("postgresql://me:hun@ter2@127.0.0.1:1/db", "write %40 for @", id="with an @"),
        pytest.param("postgresql://me:hun/ter2@127.0.0.1:1/db", "%2F for /", id="with a slash"),
        pytest.param("me:hunter2@127.0.0.1", "cannot be read", id="no URL"),
        pytest.param(
            "postgresql://me:hun%40ter2@127.0.0.1:1/db?application_name=a@b",
            "Connection refused",
            id="escaped",
        ),
        pytest.param("host=127.0.0.1 port=1 password=hunter2", "Connection refused", id="a DSN"),
    ],
)
@row("B35")
def test_database_that_cannot_be_reached_fails_the_deploy_without_its_password(
    app: ModuleType,
    aws: Aws,
    secret: Callable[[str], None],
    log: StringIO,
    url: str,
    words: str,
) -> None:
    secret(url)

    app.handler(schema_event(aws), Context())

    assert aws.answer["Status"] == "FAILED"
    assert words in aws.answer["Reason"]
    said = json.dumps(aws.answer) + log.getvalue()
    assert "hun" not in said
    assert "ter2" not in said


def test_secret_that_is_absent_fails_the_deploy(
    app: ModuleType, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_SECRET_ARN", "arn:aws:secretsmanager:us-east-1:1:secret:none")
    app.handler(schema_event(aws), Context())
    assert aws.answer["Status"] == "FAILED"
    assert "database secret DATABASE_SECRET_ARN cannot be read" in aws.answer["Reason"]


@row("B35")
def test_missing_settings_fail_the_deploy(app: ModuleType, aws: Aws) -> None:
    app.handler(schema_event(aws), Context())
    assert aws.answer["Status"] == "FAILED"
    assert "missing settings: DATABASE_SECRET_ARN" in aws.answer["Reason"]


def test_service_that_cannot_be_imported_fails_the_deploy(
    app: ModuleType, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "autoretrain.bootstrap", None)
    monkeypatch.delattr("autoretrain.bootstrap")

    app.handler(schema_event(aws), Context())

    assert aws.answer["Status"] == "FAILED"
    assert "autoretrain.bootstrap" in aws.answer["Reason"]


def test_function_that_dies_has_answered_before(
    app: ModuleType, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die() -> None:
        raise SystemExit(1)

    monkeypatch.setattr(app, "deployment", die)
    with pytest.raises(SystemExit):
        app.handler(schema_event(aws), Context())
    assert aws.answer["Status"] == "FAILED"


def test_answer_comes_before_the_functions_time_is_over(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], blank: str
) -> None:
    secret(blank)
    holding = psycopg2.connect(blank)
    holding.cursor().execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    given, short = schema_event(aws), Context(seconds=LONGEST_SECONDS)
    working = threading.Thread(target=app.handler, args=(given, short))

    working.start()
    answered = aws.answered.wait(WAIT_SECONDS)
    still_working = working.is_alive()
    holding.close()
    working.join(WAIT_SECONDS)

    assert answered
    assert still_working
    assert aws.answer["Status"] == "FAILED"
    assert "time is over" in aws.answer["Reason"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="schema"),
        pytest.param({"ResourceType": "Custom::Unknown"}, id="unknown"),
        pytest.param({"ResourceProperties": None}, id="malformed"),
    ],
)
def test_delete_always_succeeds_and_leaves_the_database_alone(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], clone: str, changes: dict[str, Any]
) -> None:
    secret(clone)
    kept = {"RequestType": "Delete", "PhysicalResourceId": "auto-retrain-DatabaseSchema"}

    app.handler(schema_event(aws) | kept | changes, Context())

    assert aws.answer["Status"] == "SUCCESS"
    assert aws.answer["PhysicalResourceId"] == "auto-retrain-DatabaseSchema"
    assert World(clone).run("SELECT name FROM autoretrain.schema_migrations")


def test_delete_needs_neither_settings_nor_a_database(app: ModuleType, aws: Aws) -> None:
    app.handler(image_event(aws, RequestType="Delete"), Context())
    assert aws.answer["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"RequestType": None, "ResourceType": "Custom::Unknown"}, "Custom::Unknown is unknown"),
        ({"ResourceType": None}, "None is unknown"),
        ({"ResourceProperties": None}, "AttributeError"),
        ({"ResourceProperties": {}}, "the property Migrate is missing"),
        ({"ResourceProperties": {"Migrate": True}}, "the property Migrate is missing"),
        ({"ResourceProperties": {"Migrate": "yes"}}, "Migrate must be true or false"),
        (
            {"ResourceType": "Custom::TrainerImage", "ResourceProperties": {}},
            "the property FunctionVersionArn is missing",
        ),
    ],
)
@row("B34")
def test_malformed_request_is_refused_in_words(
    app: ModuleType,
    aws: Aws,
    secret: Callable[[str], None],
    changes: dict[str, Any],
    words: str,
) -> None:
    secret("postgresql://127.0.0.1:1/db")
    app.handler(schema_event(aws) | changes, Context())
    assert aws.answer["Status"] == "FAILED"
    assert words in aws.answer["Reason"]


@pytest.mark.parametrize("name", ["RequestType", "ResourceType", "ResourceProperties"])
@row("B34")
def test_request_that_lacks_something_is_answered(app: ModuleType, aws: Aws, name: str) -> None:
    given = schema_event(aws)
    del given[name]
    app.handler(given, Context())
    assert (aws.answer["Status"], aws.answer["RequestId"]) == ("FAILED", given["RequestId"])
    assert name in aws.answer["Reason"]


@pytest.mark.parametrize("sign", ["x", "ü", "\N{BUG}", '"'])
def test_answer_is_never_longer_than_cloudformation_takes(
    app: ModuleType, aws: Aws, sign: str
) -> None:
    app.handler(schema_event(aws, ResourceType=sign * 5000), Context())
    ((_, body),) = aws.taken
    assert MAX_BYTES * 0.8 < len(body) <= MAX_BYTES
    assert aws.answer["Status"] == "FAILED"


def test_answer_is_sent_again_while_its_address_fails(
    app: ModuleType, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.statuses = [503, 500]
    monkeypatch.setattr("autoretrain.aws.cloudformation.PAUSES_SECONDS", (0.0, 0.0))

    app.handler(schema_event(aws, RequestType="Delete"), Context())

    assert len({body for _, body in aws.taken}) == 1
    assert len(aws.taken) == 3


@pytest.mark.parametrize("address", ["", "{url}/answer", "http://127.0.0.1:1/nobody", "nowhere"])
def test_answer_that_nobody_takes_is_told_in_the_log(
    app: ModuleType,
    aws: Aws,
    log: StringIO,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
) -> None:
    aws.statuses = [403, 500, 500]
    monkeypatch.setattr("autoretrain.aws.cloudformation.PAUSES_SECONDS", (0.0, 0.0))
    url = address.format(url=aws.url)

    told = app.handler(schema_event(aws, RequestType="Delete", ResponseURL=url), Context())

    assert told["Status"] == "SUCCESS"
    assert len(aws.taken) == ("answer" in address)
    assert "auto-retrain deployment not answered" in log.getvalue()


@pytest.mark.parametrize("partition", ["aws", "aws-cn"])
def test_image_of_the_version_goes_to_fargate(app: ModuleType, aws: Aws, partition: str) -> None:
    given = image_event(aws)
    arn = given["ResourceProperties"]["FunctionVersionArn"].replace("arn:aws:", f"arn:{partition}:")
    given["ResourceProperties"]["FunctionVersionArn"] = arn
    aws.functions[arn.rpartition("/")[2]] = (200, {"Code": {"ResolvedImageUri": IMAGE}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_SECRET_ARN", "arn:unread")

        app.handler(given, Context())

    assert aws.answer["Status"] == "SUCCESS"
    assert aws.answer["PhysicalResourceId"] == given["PhysicalResourceId"]
    assert aws.answer["Data"] == {
        "ImageUri": IMAGE,
        "RepositoryArn": f"arn:{partition}:ecr:eu-central-1:123456789012"
        ":repository/auto-retrain/trainer",
    }


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (404, {"Type": "User", "Code": "ResourceNotFoundException"}, "cannot be looked at"),
        (500, {"Type": "Service", "Code": "ServiceException"}, "Lambda does not answer"),
        (200, {"Code": {"Location": "https://a.zip"}}, "it is not an image function"),
        (200, {"Code": {"ResolvedImageUri": "trainer:v1"}}, "is not one of ECR by digest"),
    ],
)
def test_image_that_cannot_be_had_fails_the_deploy(
    app: ModuleType,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    answer: Any,
    words: str,
) -> None:
    monkeypatch.setenv("DATABASE_SECRET_ARN", "arn:unread")
    given = image_event(aws)
    arn = given["ResourceProperties"]["FunctionVersionArn"]
    aws.functions[arn] = (status, answer)

    app.handler(given, Context())

    assert aws.answer["Status"] == "FAILED"
    assert words in aws.answer["Reason"]
