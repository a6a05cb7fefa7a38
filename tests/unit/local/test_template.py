from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from autoretrain.errors import OperatorError
from autoretrain_local.template import TEMPLATE, load, read_plan


def test_plan_has_every_function_that_has_code() -> None:
    plan = read_plan()
    assert sorted(plan.functions) == [
        "ApiFunction",
        "AuthorizerFunction",
        "ConditionCheckFunction",
        "DeploymentFunction",
        "DispatcherFunction",
        "RetrainFunction",
        "TaskStoppedFunction",
    ]
    assert all(function.app.is_file() for function in plan.functions.values())


def test_plan_leaves_to_the_machine_what_the_template_leaves_empty() -> None:
    plan = read_plan()
    declared = load(TEMPLATE)["Globals"]["Function"]["Environment"]["Variables"]
    assert [name for name, value in declared.items() if value == ""] == [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_LAMBDA",
        "AWS_ENDPOINT_URL_ECS",
    ]
    for function in plan.functions.values():
        assert not any(name.startswith("AWS_") for name in function.variables)
        assert "DATABASE_SECRET_ARN" in function.variables


def test_plan_knows_what_stops_the_trainer() -> None:
    trainer = read_plan().trainer
    assert (trainer.container, trainer.stop_timeout_seconds) == ("trainer", 120)
    assert "MODEL_BUCKET" in trainer.variables


def test_plan_knows_what_lambda_does_with_an_event_that_fails() -> None:
    functions = read_plan().functions
    dispatcher, authorizer = functions["DispatcherFunction"], functions["AuthorizerFunction"]
    assert (dispatcher.retries, dispatcher.max_age_seconds) == (2, 600)
    assert (authorizer.retries, authorizer.max_age_seconds) == (2, 21_600)
    assert functions["DeploymentFunction"].retries == 0


def test_plan_ticks_as_the_rule_says() -> None:
    assert read_plan().tick_every == timedelta(hours=1)


def test_schedule_that_is_no_rate_is_refused(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATE.with_name("stacks"), tmp_path / "stacks")
    events = tmp_path / "stacks/events.yaml"
    events.write_text(events.read_text().replace("rate(1 hour)", "cron(0 * * * ? *)"))
    with pytest.raises(OperatorError, match=r"must be a rate\(\)"):
        read_plan(Path(shutil.copy(TEMPLATE, tmp_path)))


def test_missing_template_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="clone of the project"):
        load(tmp_path / "template.yaml")
