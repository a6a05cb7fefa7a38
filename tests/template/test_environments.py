"""Every process is told what it reads, and no secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

from autoretrain import settings
from autoretrain.aws.secrets import Secret, _parsed
from tests.template.cloudformation import deployed, nodes
from tests.template.conftest import MADE_SECRET, Stack

LOGGING = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE"}
ENDPOINTS = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_ECS"}
SETTINGS: dict[str, list[type[Any]]] = {
    "DispatcherFunction": [settings.DispatcherSettings],
    "ConditionCheckFunction": [settings.ConditionCheckSettings],
    "TaskStoppedFunction": [settings.TaskStoppedSettings],
    "ApiFunction": [settings.ApiSettings, settings.ConsoleSettings],
    "RetrainFunction": [settings.ApiSettings],
    "AuthorizerFunction": [settings.AuthorizerSettings],
    "DeploymentFunction": [settings.DeploymentSettings],
    "TrainerFunction": [settings.TrainerSettings],
}
SUSPECTS = re.compile("PASS|SECRET|KEY|TOKEN|DSN|URL|CREDENTIAL")
PLANTED = re.compile("planted", re.IGNORECASE)


def read(*kinds: type[Any]) -> set[str]:
    """The environment variables that settings are read from."""
    return {field.name.upper() for kind in kinds for field in fields(kind)}


def test_functions_get_exactly_the_environment_they_read(stacks: list[Stack]) -> None:
    for stack in stacks:
        assert stack.functions.keys() == SETTINGS.keys()
        for name, kinds in SETTINGS.items():
            own = {"OMP_NUM_THREADS"} if name == "TrainerFunction" else set()
            told = stack.variables(name)
            assert told.keys() == read(*kinds) | LOGGING | ENDPOINTS | own, name
            assert {told[key] for key in ENDPOINTS} == {""}


def test_trainer_gets_exactly_the_environment_it_reads(stacks: list[Stack]) -> None:
    wanted = read(settings.TrainerSettings) | LOGGING | {"OMP_NUM_THREADS"}
    assert all(stack.container_variables.keys() == wanted for stack in stacks)


def test_settings_can_be_read_from_what_each_function_is_told(stacks: list[Stack]) -> None:
    for stack in stacks:
        for name, kinds in SETTINGS.items():
            told = stack.variables(name).items()
            texts = {key: "an-arn" if isinstance(of, dict) else str(of) for key, of in told}
            for kind in kinds:
                settings.read(kind, texts)


def test_made_secret_is_the_json_that_the_code_reads(stacks: list[Stack]) -> None:

    made = next(one for one in stacks if one.choice["secret"] == "made")
    read = _parsed(made.resources["DatabaseSecret"]["Properties"]["SecretString"])
    assert (read.url, read.jwt_secret) == (MADE_SECRET["DatabaseUrl"], MADE_SECRET["JwtSecret"])
    assert read.ca == MADE_SECRET["DatabaseCa"].replace(r"\n", "\n")


def test_dash_is_no_part_of_the_secret(transformed: dict[str, Any]) -> None:
    given = MADE_SECRET | {"DatabaseCa": "-", "JwtSecret": "-"}
    made = deployed(transformed, given)["Resources"]["DatabaseSecret"]["Properties"]
    assert _parsed(made["SecretString"]) == Secret(MADE_SECRET["DatabaseUrl"])


def secrets_in(environment: Mapping[str, Any]) -> Iterator[str]:
    """Variables that sound like a secret, and whose value stands in the template."""
    for name, value in environment.items():
        if SUSPECTS.search(name) and isinstance(value, str | int) and value != "":
            yield name


def literal_secrets(*templates: Mapping[str, Any]) -> list[str]:
    """Variables of functions and containers whose secret a template itself tells."""
    found = []
    for resource in (one for template in templates for one in template["Resources"].values()):
        for node in nodes(resource.get("Properties", {})):
            match node:
                case {"Variables": dict(environment)}:
                    found += list(secrets_in(environment))
                case {"Environment": list(entries)}:
                    told = {one["Name"]: one["Value"] for one in entries if isinstance(one, dict)}
                    found += list(secrets_in(told))
    return found


def told_secrets(stack: Stack) -> list[str]:
    """Resources and outputs, beside the secret itself, that tell what was given in confidence."""
    everything = {**stack.resources, **stack.outputs}
    return [
        name
        for name, one in everything.items()
        if name != "DatabaseSecret" and PLANTED.search(str(one))
    ]


def test_no_property_holds_a_secret(
    stacks: list[Stack], transformed: dict[str, Any], nested: dict[str, dict[str, Any]]
) -> None:
    assert literal_secrets(transformed, *nested.values()) == []
    for stack in stacks:
        assert told_secrets(stack) == []


def test_planted_secret_is_found(
    stack: Stack, transformed: dict[str, Any], nested: dict[str, dict[str, Any]]
) -> None:
    planted, trainer = deepcopy(transformed), deepcopy(nested["stacks/trainer.yaml"])
    api = planted["Resources"]["ApiFunction"]["Properties"]
    api["Environment"]["Variables"]["DB_PASSWORD"] = "hunter2"
    task = trainer["Resources"]["TrainerTaskDefinition"]["Properties"]
    (container,) = task["ContainerDefinitions"]
    container["Environment"].append({"Name": "DB_PASSWORD", "Value": "hunter2"})
    assert literal_secrets(planted, trainer) == ["DB_PASSWORD", "DB_PASSWORD"]

    told = replace(stack, resources=deepcopy(stack.resources))
    told.resources["Cluster"]["Properties"]["Tags"] = [{"Value": MADE_SECRET["DatabaseUrl"]}]
    assert told_secrets(told) == ["Cluster"]


def test_what_is_given_in_confidence_is_not_shown(template: dict[str, Any]) -> None:
    hidden = {name for name, of in template["Parameters"].items() if of.get("NoEcho")}
    assert hidden == MADE_SECRET.keys()
