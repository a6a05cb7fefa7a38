from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from autoretrain.errors import BadSetting, MissingSettings
from autoretrain.settings import (
    ConditionCheckSettings,
    DispatcherSettings,
    TaskStoppedSettings,
    TrainerSettings,
    read,
)

ALL: list[type[Any]] = [
    DispatcherSettings,
    ConditionCheckSettings,
    TaskStoppedSettings,
    TrainerSettings,
]
DISPATCHER = {
    "DATABASE_SECRET_ARN": "arn:secret",
    "CONDITION_CHECK_FUNCTION": "check",
    "STRATEGIES_PER_CHECK": "25",
    "ECS_CLUSTER": "trainers",
}
CHECK = {
    "DATABASE_SECRET_ARN": "arn:secret",
    "ECS_CLUSTER": "trainers",
    "TRAINER_TASK_DEFINITION": "trainer:3",
    "TRAINER_SUBNETS": "subnet-a, subnet-b,,",
    "TRAINER_SECURITY_GROUPS": "sg-a",
    "TRAINER_ASSIGN_PUBLIC_IP": "ENABLED",
    "MAX_CONCURRENT_TASKS": "2",
}


def test_settings_are_read_from_variables_of_their_name() -> None:
    unrelated = {"PATH": "/bin"}
    assert read(DispatcherSettings, DISPATCHER | unrelated) == DispatcherSettings(
        "arn:secret", "check", 25, "trainers"
    )


def test_lists_are_split_and_trimmed() -> None:
    settings = read(ConditionCheckSettings, CHECK)
    assert settings.trainer_subnets == ("subnet-a", "subnet-b")
    assert settings.trainer_security_groups == ("sg-a",)
    assert settings.max_concurrent_tasks == 2


@pytest.mark.parametrize("settings", ALL, ids=lambda settings: settings.__name__)
def test_every_missing_variable_is_named_in_one_error(settings: type[Any]) -> None:
    with pytest.raises(MissingSettings) as caught:
        read(settings, {})
    for field in fields(settings):
        assert field.name.upper() in str(caught.value)


def test_only_what_is_missing_is_named_and_empty_is_missing() -> None:
    given = DISPATCHER | {"ECS_CLUSTER": ""}
    del given["STRATEGIES_PER_CHECK"]
    with pytest.raises(MissingSettings) as caught:
        read(DispatcherSettings, given)
    assert str(caught.value) == (
        "missing settings: STRATEGIES_PER_CHECK, ECS_CLUSTER: set them in the environment"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("many", "STRATEGIES_PER_CHECK must be a whole number", id="no number"),
        pytest.param("2.5", "STRATEGIES_PER_CHECK must be a whole number", id="no whole number"),
        pytest.param("0", "STRATEGIES_PER_CHECK must be at least 1", id="zero"),
        pytest.param("-1", "STRATEGIES_PER_CHECK must be at least 1", id="negative"),
    ],
)
def test_bad_number_names_its_variable(text: str, message: str) -> None:
    with pytest.raises(BadSetting) as caught:
        read(DispatcherSettings, DISPATCHER | {"STRATEGIES_PER_CHECK": text})
    assert str(caught.value) == message


def test_list_without_a_name_in_it_is_an_error_that_names_its_variable() -> None:
    with pytest.raises((MissingSettings, BadSetting), match="TRAINER_SUBNETS"):
        read(ConditionCheckSettings, CHECK | {"TRAINER_SUBNETS": " , "})
