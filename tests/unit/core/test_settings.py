from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from autoretrain.errors import BadSetting, MissingSettings
from autoretrain.settings import (
    ApiSettings,
    AuthorizerSettings,
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
    ApiSettings,
]
DISPATCHER = {
    "DATABASE_SECRET_ARN": "arn:secret",
    "CONDITION_CHECK_FUNCTION": "check",
    "STRATEGIES_PER_CHECK": "25",
    "CHECKS_PER_SECOND": "20",
    "ECS_CLUSTER": "trainers",
    "NOTIFICATION_TOPIC_ARN": "arn:topic",
    "EVENT_BUS": "default",
}
CHECK = {
    "DATABASE_SECRET_ARN": "arn:secret",
    "ECS_CLUSTER": "trainers",
    "TRAINER_TASK_DEFINITION": "trainer:3",
    "TRAINER_SUBNETS": "subnet-a, subnet-b,,",
    "TRAINER_SECURITY_GROUPS": "sg-a",
    "TRAINER_ASSIGN_PUBLIC_IP": "ENABLED",
    "TRAINER_SPOT": "false",
    "MAX_CONCURRENT_TASKS": "2",
}
API = CHECK | {"MODEL_BUCKET": "models", "RUNS_PER_HOUR": "60"}
AUTHORIZER = {"DATABASE_SECRET_ARN": "arn:secret"}
ISSUER = "https://project.supabase.co/auth/v1"


def test_settings_are_read_from_variables_of_their_name() -> None:
    unrelated = {"PATH": "/bin"}
    assert read(DispatcherSettings, DISPATCHER | unrelated) == DispatcherSettings(
        "arn:secret", "check", 25, 20, "trainers", "arn:topic", "default"
    )


def test_lists_are_split_and_trimmed() -> None:
    settings = read(ConditionCheckSettings, CHECK)
    assert settings.trainer_subnets == ("subnet-a", "subnet-b")
    assert settings.trainer_security_groups == ("sg-a",)
    assert settings.max_concurrent_tasks == 2


def test_api_is_told_where_models_are_and_how_many_runs_a_caller_may_ask_for() -> None:
    settings = read(ApiSettings, API)
    assert (settings.model_bucket, settings.runs_per_hour) == ("models", 60)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="absent"),
        pytest.param({"JWT_ISSUER": "", "JWT_AUDIENCE": ""}, id="empty"),
    ],
)
def test_optional_setting_is_none_when_its_variable_says_nothing(given: dict[str, str]) -> None:
    assert read(AuthorizerSettings, AUTHORIZER | given) == AuthorizerSettings(
        "arn:secret", None, None
    )


def test_optional_setting_is_read_when_it_is_there() -> None:
    given = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": "authenticated"}
    assert read(AuthorizerSettings, AUTHORIZER | given) == AuthorizerSettings(
        "arn:secret", ISSUER, "authenticated"
    )


def test_optional_settings_are_not_named_among_the_missing() -> None:
    with pytest.raises(MissingSettings) as caught:
        read(AuthorizerSettings, {})
    assert str(caught.value) == (
        "missing settings: DATABASE_SECRET_ARN: set them in the environment"
    )


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


def test_pace_may_be_none_at_all() -> None:
    assert read(DispatcherSettings, DISPATCHER | {"CHECKS_PER_SECOND": "0"}).checks_per_second == 0
    with pytest.raises(BadSetting, match="CHECKS_PER_SECOND must be at least 0"):
        read(DispatcherSettings, DISPATCHER | {"CHECKS_PER_SECOND": "-1"})


@pytest.mark.parametrize(("text", "meant"), [("true", True), ("false", False)])
def test_spot_is_yes_or_no(text: str, meant: bool) -> None:
    assert read(ConditionCheckSettings, CHECK | {"TRAINER_SPOT": text}).trainer_spot is meant


@pytest.mark.parametrize("text", ["True", "1", "yes"])
def test_spot_that_is_neither_yes_nor_no_is_named(text: str) -> None:
    with pytest.raises(BadSetting, match="TRAINER_SPOT must be true or false"):
        read(ConditionCheckSettings, CHECK | {"TRAINER_SPOT": text})
