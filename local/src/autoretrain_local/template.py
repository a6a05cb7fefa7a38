"""Reads `template.yaml` and what it nests: what runs on AWS is what runs here, told once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from autoretrain.errors import OperatorError
from autoretrain_local.gateway.plan import ApiPlan, read_api

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")


class TemplateLoader(yaml.SafeLoader):
    """SafeLoader that knows CloudFormation's short forms: `!GetAtt X.Arn` is
    {"Fn::GetAtt": ["X", "Arn"]}."""


def _intrinsic(loader: TemplateLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        return {f"Fn::{name}": loader.construct_sequence(node, deep=True)}
    if not isinstance(node, yaml.ScalarNode):
        raise OperatorError(f"template.yaml: !{name} of a mapping is not known here")
    value = loader.construct_scalar(node)
    if name == "GetAtt":
        return {"Fn::GetAtt": value.split(".", 1)}
    return {"Ref" if name == "Ref" else f"Fn::{name}": value}


TemplateLoader.add_multi_constructor("!", _intrinsic)


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """A function as the template declares it; `variables` are the names of its environment, without
    those that the template leaves empty for others to fill.

    Retries and age are Lambda's own where the template says nothing: of a function that nobody
    invokes asynchronously.
    """

    name: str
    app: Path
    timeout_seconds: float
    retries: int
    max_age_seconds: float
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrainerPlan:
    """The trainer's container as the template declares it."""

    container: str
    variables: tuple[str, ...]
    stop_timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What the local stack takes from the template. A function that is an image has no code of its
    own to run here: it carries the trainer's."""

    functions: Mapping[str, FunctionPlan]
    trainer: TrainerPlan
    api: ApiPlan
    tick_every: timedelta


def load(path: Path) -> dict[str, Any]:
    """The template as plain data. Raises OperatorError where there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise OperatorError(f"{path} cannot be read: run this from a clone of the project") from exc
    loaded: dict[str, Any] = yaml.load(text, TemplateLoader)  # noqa: S506 -- a SafeLoader
    return loaded


def read_plan(path: Path = TEMPLATE) -> Plan:
    template = load(path)
    resources = template["Resources"]
    shared = template.get("Globals", {}).get("Function", {})
    functions = {
        name: _function(name, resource["Properties"], shared, path.parent)
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function" and "CodeUri" in resource["Properties"]
    }
    trainer, events = (_nested(resources[name], path.parent) for name in ("Trainer", "Events"))
    return Plan(
        functions=functions,
        trainer=_container(trainer["TrainerTaskDefinition"]["Properties"]),
        api=read_api(template),
        tick_every=_rate(events["HourlyRule"]["Properties"]),
    )


def _nested(resource: dict[str, Any], root: Path) -> dict[str, Any]:
    """The resources of a nested stack."""
    resources: dict[str, Any] = load(root / resource["Properties"]["TemplateURL"])["Resources"]
    return resources


def _function(
    name: str, properties: dict[str, Any], shared: dict[str, Any], root: Path
) -> FunctionPlan:
    invoked = properties.get("EventInvokeConfig", {})
    variables = {
        **shared.get("Environment", {}).get("Variables", {}),
        **properties.get("Environment", {}).get("Variables", {}),
    }
    return FunctionPlan(
        name=name,
        app=root / properties["CodeUri"] / "app.py",
        timeout_seconds=properties["Timeout"],
        retries=invoked.get("MaximumRetryAttempts", 2),
        max_age_seconds=invoked.get("MaximumEventAgeInSeconds", 21_600),
        variables=tuple(name for name, value in variables.items() if value != ""),
    )


def _container(properties: dict[str, Any]) -> TrainerPlan:
    (container,) = properties["ContainerDefinitions"]
    return TrainerPlan(
        container=container["Name"],
        variables=tuple(variable["Name"] for variable in container["Environment"]),
        stop_timeout_seconds=container["StopTimeout"],
    )


def _rate(properties: dict[str, Any]) -> timedelta:
    found = _RATE.fullmatch(properties["ScheduleExpression"])
    if found is None:
        raise OperatorError("the schedule of HourlyRule must be a rate(), such as rate(1 hour)")
    return timedelta(**{f"{found[2]}s": int(found[1])})
