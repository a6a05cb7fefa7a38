"""What a deployment cannot do fails the deploy, in words and without secrets."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from io import StringIO
from types import ModuleType
from typing import Any

import pytest

from tests.faults.rows import row
from tests.functions.deployment.conftest import Aws, Context, schema_event


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
