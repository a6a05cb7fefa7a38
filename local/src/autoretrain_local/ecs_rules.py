"""Decides which RunTask calls ECS would refuse, and how it would say so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from autoretrain_local.ecs_state import TaskDefinition
from autoretrain_local.endpoints import ACCOUNT, REGION

_MAX_TASKS_PER_CALL = 10
_MAX_OVERRIDES_CHARACTERS = 8192
_MAX_SUBNETS = 16
_MAX_SECURITY_GROUPS = 5
_STARTED_BY = re.compile(r"[A-Za-z0-9/_-]{1,128}")
_CLIENT_TOKEN = re.compile(r"[!-~]{1,64}")  # ASCII 33 to 126
_MAX_WEIGHT, _MAX_BASE = 1_000, 100_000
_CAPACITY_PROVIDERS = {"FARGATE", "FARGATE_SPOT"}
_GIB = 1024

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
_FARGATE_MEMORY_MIB: dict[int, Sequence[int]] = {
    256: (512, 1 * _GIB, 2 * _GIB),
    512: range(1 * _GIB, 4 * _GIB + 1, _GIB),
    1024: range(2 * _GIB, 8 * _GIB + 1, _GIB),
    2048: range(4 * _GIB, 16 * _GIB + 1, _GIB),
    4096: range(8 * _GIB, 30 * _GIB + 1, _GIB),
    8192: range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB),
    16384: range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB),
}


class Refusal(Exception):
    """An error answer of ECS."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def cluster_arn(cluster: str) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{cluster}"


def check_cluster(call: Mapping[str, Any], cluster: str) -> None:
    """Raises Refusal unless the call means this cluster; without a name it means `default`."""
    if call.get("cluster", "default") not in {cluster, cluster_arn(cluster)}:
        raise Refusal("ClusterNotFoundException", "Cluster not found.")


def check_run_task(
    call: Mapping[str, Any], definitions: Sequence[TaskDefinition]
) -> TaskDefinition:
    """The definition that the call is to run. Raises Refusal."""
    definition = _definition(call["taskDefinition"], definitions)
    _check_count(call.get("count", 1))
    _check_names(call)
    _check_capacity(call)
    _check_network(call.get("networkConfiguration", {}).get("awsvpcConfiguration"))
    _check_overrides(call.get("overrides", {}), definition)
    return definition


def _definition(wanted: str, definitions: Sequence[TaskDefinition]) -> TaskDefinition:
    """Without a revision the latest is meant."""
    for definition in sorted(definitions, key=lambda known: known.revision, reverse=True):
        if wanted in {definition.family, definition.name, definition.arn}:
            return definition
    raise Refusal("ClientException", "TaskDefinition not found.")


def _check_count(count: int) -> None:
    if not 1 <= count <= _MAX_TASKS_PER_CALL:
        raise _invalid(f"count must be 1 to {_MAX_TASKS_PER_CALL}, and is {count}.")


def _check_names(call: Mapping[str, Any]) -> None:
    if "startedBy" in call and not _STARTED_BY.fullmatch(call["startedBy"]):
        raise _invalid("startedBy takes up to 128 letters, digits, hyphens, slashes, underscores.")
    if "clientToken" in call and not _CLIENT_TOKEN.fullmatch(call["clientToken"]):
        raise _invalid("clientToken takes up to 64 characters of ASCII 33 to 126.")


def _check_capacity(call: Mapping[str, Any]) -> None:
    strategy = call.get("capacityProviderStrategy", [])
    if strategy and "launchType" in call:
        raise _invalid("Specify a launch type or a capacity provider strategy, not both.")
    if strategy:
        _check_strategy(strategy)
    elif call.get("launchType", "EC2") != "FARGATE":
        raise _invalid("No Container Instances were found in your cluster.")


def _check_strategy(strategy: Sequence[Mapping[str, Any]]) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html"""
    names = [item["capacityProvider"] for item in strategy]
    unknown = set(names) - _CAPACITY_PROVIDERS
    if unknown or len(set(names)) < len(names):
        raise _invalid(f"Capacity providers that do not exist, or twice: {sorted(names)}.")
    weights, bases = ([item.get(key, 0) for item in strategy] for key in ("weight", "base"))
    if not all(0 <= weight <= _MAX_WEIGHT for weight in weights) or not any(weights):
        raise _invalid(f"A weight must be 0 to {_MAX_WEIGHT}, and at least one above 0: {weights}.")
    if not all(0 <= base <= _MAX_BASE for base in bases) or sum(map(bool, bases)) > 1:
        raise _invalid(f"A base must be 0 to {_MAX_BASE}, and only one above 0: {bases}.")


def _check_network(network: Mapping[str, Any] | None) -> None:
    if network is None:
        raise _invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    subnets, groups = network["subnets"], network.get("securityGroups", [])
    if not 1 <= len(subnets) <= _MAX_SUBNETS or len(groups) > _MAX_SECURITY_GROUPS:
        raise _invalid(f"{len(subnets)} subnets, {len(groups)} groups: at most 16 and 5.")
    for prefix, names in ("subnet-", subnets), ("sg-", groups):
        strange = [name for name in names if not name.startswith(prefix)]
        if strange:
            raise _invalid(f"{strange} do not exist.")
    if network.get("assignPublicIp", "DISABLED") not in {"ENABLED", "DISABLED"}:
        raise _invalid("assignPublicIp is ENABLED or DISABLED.")


def _check_overrides(overrides: Mapping[str, Any], definition: TaskDefinition) -> None:
    if len(json.dumps(overrides)) > _MAX_OVERRIDES_CHARACTERS:
        raise _invalid(f"Overrides are longer than {_MAX_OVERRIDES_CHARACTERS} characters.")
    for container in overrides.get("containerOverrides", []):
        _check_container(container, definition)
    cpu = str(overrides.get("cpu", definition.cpu))
    memory = str(overrides.get("memory", definition.memory))
    allowed = _FARGATE_MEMORY_MIB.get(int(cpu), ()) if cpu.isdigit() else ()
    if not memory.isdigit() or int(memory) not in allowed:
        raise Refusal("ClientException", "No Fargate configuration exists for given values.")


def _check_container(container: Mapping[str, Any], definition: TaskDefinition) -> None:
    name = container.get("name")
    if name != definition.container:
        raise _invalid(f"Override for container named {name} is not in the TaskDefinition.")
    # A command from outside would run with all the rights of whoever started this server.
    unsupported = container.keys() - {"name", "environment"}
    if unsupported:
        raise _invalid(f"On this machine a container's {sorted(unsupported)} cannot be overridden.")


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidParameterException", message)
