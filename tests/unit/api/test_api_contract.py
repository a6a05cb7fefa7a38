from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autoretrain_api.contract import document, text
from tests.unit.api.conftest import Api

CONTRACT = Path(__file__).parents[3] / "functions" / "api" / "openapi.json"
OPERATIONS = [
    pytest.param(path, operation, id=operation["operationId"])
    for path, methods in document()["paths"].items()
    for operation in methods.values()
]


def resolved(response: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in response:
        return response
    shared: dict[str, Any] = document()["components"]["responses"]
    return dict(shared[response["$ref"].rpartition("/")[2]])


def test_the_contract_is_the_committed_one() -> None:
    assert text() == CONTRACT.read_text(), "run `make openapi` and look at the difference"


def test_the_contract_is_served_as_committed(api: Api) -> None:
    told = api.call("GET", "/openapi.json")

    assert (told.status, told.headers["Content-Type"]) == (200, "application/json")
    assert told.text == CONTRACT.read_text()


def test_the_contract_says_which_openapi_it_is() -> None:
    assert document()["openapi"] == "3.1.0"


@pytest.mark.parametrize(("path", "operation"), OPERATIONS)
def test_every_operation_lists_what_the_gateway_itself_refuses(
    path: str, operation: dict[str, Any]
) -> None:
    is_protected = "security" in operation
    expected = {"429", "500", "503"} | ({"401", "403"} if is_protected else set())

    assert expected <= operation["responses"].keys()
    for status in expected:
        content = resolved(operation["responses"][status])["content"]["application/json"]
        assert "GatewayError" in json.dumps(content["schema"])
    assert operation["summary"]
    assert operation["tags"]


def test_only_what_carries_no_data_is_open() -> None:
    is_open = {
        path
        for path, methods in document()["paths"].items()
        for operation in methods.values()
        if "security" not in operation
    }

    assert is_open == {"/", "/assets/{file}", "/health", "/openapi.json"}


def test_every_reference_leads_somewhere() -> None:
    contract = document()
    components = contract["components"]
    for line in text().splitlines():
        if '"$ref"' in line:
            _, _, kind, name = line.split('"')[3].split("/")
            assert name in components[kind], line


def test_the_function_starts_without_the_aws_sdk() -> None:
    code = "import sys, app; print('boto3' in sys.modules)"
    started = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CONTRACT.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert started.stdout.strip() == "False"
