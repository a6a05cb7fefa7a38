"""Settings of a process that are missing or bad when it starts: one error names them."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autoretrain.errors import OperatorError
from autoretrain.settings import (
    ApiSettings,
    AuthorizerSettings,
    ConditionCheckSettings,
    DeploymentSettings,
    DispatcherSettings,
    TaskStoppedSettings,
    TrainerSettings,
)
from autoretrain_local.imports import Imports
from autoretrain_local.template import read_plan
from autoretrain_trainer import __main__ as trainer
from autoretrain_trainer import on_lambda
from tests.faults.rows import row
from tests.functions.conftest import event
from tests.unit.api.conftest import event as request_event

FUNCTIONS = Path(__file__).parents[2] / "functions"
SETTINGS: dict[str, type[Any]] = {
    "dispatcher": DispatcherSettings,
    "condition_check": ConditionCheckSettings,
    "task_stopped": TaskStoppedSettings,
    "authorizer": AuthorizerSettings,
    "api": ApiSettings,
    "deployment": DeploymentSettings,
    "trainer": TrainerSettings,
}
SAMPLES = {
    "dispatcher": event("scheduled"),
    "condition_check": event("condition_check"),
    "task_stopped": event("task_stopped_oom"),
    "authorizer": event("authorizer"),
    "deployment": event("deployment_schema_create") | {"ResponseURL": ""},
}
SECRET = "hunter2"
GOOD = {"int": "1", "bool": "false"}
BAD = {"int": f"{SECRET}1", "bool": SECRET, "tuple[str, ...]": " , "}


def needed(settings: type[Any]) -> Iterator[Any]:
    yield from (field for field in fields(settings) if not str(field.type).endswith("None"))


def variables(name: str) -> dict[str, str]:
    """Each with a value that no word of ours may repeat."""
    return {field.name.upper(): GOOD.get(field.type, SECRET) for field in needed(SETTINGS[name])}


MISSING = [(name, field.name.upper()) for name, of in SETTINGS.items() for field in needed(of)]
ODD = [
    (name, field.name.upper(), BAD[str(field.type)])
    for name, of in SETTINGS.items()
    for field in needed(of)
    if str(field.type) in BAD
]


@pytest.fixture
def imports() -> Iterator[Imports]:
    imports = Imports()
    yield imports
    imports.close()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, imports: Imports) -> Any:
    """What a process of that name says when it starts in that environment."""

    def start(name: str, environment: dict[str, str]) -> str:
        for variable in {field.name for of in SETTINGS.values() for field in fields(of)}:
            monkeypatch.delenv(variable.upper(), raising=False)
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        if name == "trainer":
            return started_trainer() + started_on_lambda()
        return started(name, imports.fresh(FUNCTIONS / name / "app.py"))

    return start


def heard(app: ModuleType) -> io.StringIO:
    lines = io.StringIO()
    app.logger.registered_handler.setStream(lines)
    return lines


def started_trainer() -> str:
    before, lines = signal.getsignal(signal.SIGTERM), io.StringIO()
    stream = trainer.logger.registered_handler.setStream(lines)  # type: ignore[attr-defined]
    try:
        assert trainer.main() == OperatorError.exit_code
    finally:
        signal.signal(signal.SIGTERM, before)
        trainer.logger.registered_handler.setStream(stream)  # type: ignore[attr-defined]
    return lines.getvalue()


def started_on_lambda() -> str:
    on_lambda.working.cache_clear()
    with pytest.raises(OperatorError) as raised:
        on_lambda.handler({}, _Context())  # type: ignore[arg-type]
    return str(raised.value)


def started(name: str, app: ModuleType) -> str:
    lines = heard(app)
    if name == "api":
        answers = [
            app.handler(request_event(*asked, "read", {}), None)
            for asked in (("GET", "/health"), ("GET", "/api/tokens"))
        ]
        assert [answer["statusCode"] for answer in answers] == [503, 503]
        return lines.getvalue() + str(answers[0]["body"])
    if name == "deployment":
        return str(app.handler(SAMPLES[name], _Context())["Reason"]) + lines.getvalue()
    with pytest.raises(OperatorError) as raised:
        app.handler(SAMPLES[name], _Context())
    return str(raised.value) + lines.getvalue()


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def test_every_process_of_the_template_is_tried() -> None:
    apps = {plan.app.parent.name for plan in read_plan().functions.values()}
    assert apps | {"trainer"} == set(SETTINGS)


@pytest.mark.parametrize(("name", "variable"), MISSING, ids=str)
@row("B35")
def test_missing_setting_is_named_and_no_value_is(told: Any, name: str, variable: str) -> None:
    given = variables(name)
    del given[variable]

    said = told(name, given)

    assert f"missing settings: {variable}: set them in the environment" in said
    assert SECRET not in said


@pytest.mark.parametrize(("name", "variable", "value"), ODD, ids=str)
@row("B35")
def test_bad_setting_is_named_and_its_value_is_not(
    told: Any, name: str, variable: str, value: str
) -> None:
    said = told(name, variables(name) | {variable: value})

    assert f"{variable} must " in said
    assert SECRET not in said


@row("B35")
def test_run_id_that_is_none_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN_ID", SECRET)

    said = started_trainer()

    assert "RUN_ID must be the id of a run" in json.loads(said)["why"]
    assert SECRET not in said
