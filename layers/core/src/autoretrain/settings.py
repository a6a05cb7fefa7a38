"""What each process needs to be told, read once from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from autoretrain.errors import BadSetting, MissingSettings

Settings = TypeVar("Settings")

_OPTIONAL = " | None"


@dataclass(frozen=True, slots=True)
class DispatcherSettings:
    database_secret_arn: str
    condition_check_function: str
    strategies_per_check: int
    ecs_cluster: str


@dataclass(frozen=True, slots=True)
class ConditionCheckSettings:
    database_secret_arn: str
    ecs_cluster: str
    trainer_task_definition: str
    trainer_subnets: tuple[str, ...]
    trainer_security_groups: tuple[str, ...]
    trainer_assign_public_ip: str
    max_concurrent_tasks: int


@dataclass(frozen=True, slots=True)
class TaskStoppedSettings:
    database_secret_arn: str


@dataclass(frozen=True, slots=True)
class ApiSettings(ConditionCheckSettings):
    """Both start trainers."""

    model_bucket: str
    runs_per_hour: int


@dataclass(frozen=True, slots=True)
class AuthorizerSettings:
    database_secret_arn: str
    jwt_issuer: str | None
    jwt_audience: str | None


@dataclass(frozen=True, slots=True)
class TrainerSettings:
    database_secret_arn: str
    model_bucket: str


def read(settings: type[Settings], environment: Mapping[str, str]) -> Settings:
    """Fill the settings from variables of the same name in capitals; those that may be None are
    None where their variable is absent or empty.

    Raises MissingSettings naming every other variable that is absent or empty, BadSetting naming
    the first whose value cannot be used.
    """
    kinds = {field.name: str(field.type) for field in fields(settings)}  # type: ignore[arg-type]
    given = {name: environment.get(name.upper()) or None for name in kinds}
    missing = [
        name.upper()
        for name, kind in kinds.items()
        if given[name] is None and not kind.endswith(_OPTIONAL)
    ]
    if missing:
        raise MissingSettings(
            f"missing settings: {', '.join(missing)}: set them in the environment"
        )
    values: dict[str, Any] = {
        name: text and _parse(kinds[name], name.upper(), text) for name, text in given.items()
    }
    return settings(**values)


def _parse(kind: str, variable: str, text: str) -> str | int | tuple[str, ...]:
    if kind == "int":
        try:
            number = int(text)
        except ValueError:  # which repeats the value
            raise BadSetting(f"{variable} must be a whole number") from None
        if number < 1:
            raise BadSetting(f"{variable} must be at least 1")
        return number
    if kind.startswith("tuple"):
        parts = tuple(part.strip() for part in text.split(",") if part.strip())
        if not parts:
            raise BadSetting(f"{variable} must name at least one, separated by commas")
        return parts
    return text
