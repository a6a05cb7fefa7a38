"""What each process needs to be told, read once from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from autoretrain.errors import BadSetting, MissingSettings

Settings = TypeVar("Settings")

_OPTIONAL = " | None"


@dataclass(frozen=True, slots=True)
class DispatcherSettings:
    database_secret_arn: str
    condition_check_function: str
    strategies_per_check: int
    checks_per_second: int = field(metadata={"least": 0})
    ecs_cluster: str
    notification_topic_arn: str
    event_bus: str


@dataclass(frozen=True, slots=True)
class ConditionCheckSettings:
    database_secret_arn: str
    ecs_cluster: str
    trainer_task_definition: str
    trainer_subnets: tuple[str, ...]
    trainer_security_groups: tuple[str, ...]
    trainer_assign_public_ip: str
    trainer_spot: bool
    max_concurrent_tasks: int


@dataclass(frozen=True, slots=True)
class TaskStoppedSettings:
    database_secret_arn: str
    notification_topic_arn: str
    event_bus: str


@dataclass(frozen=True, slots=True)
class ApiSettings(ConditionCheckSettings):
    """Both start trainers."""

    model_bucket: str
    runs_per_hour: int


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """`supabase_anon_key` is the project's public key; people sign in there where there is one."""

    console_dir: str | None
    jwt_issuer: str | None
    supabase_anon_key: str | None


@dataclass(frozen=True, slots=True)
class AuthorizerSettings:
    database_secret_arn: str
    jwt_issuer: str | None
    jwt_audience: str | None


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    database_secret_arn: str


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
    wanted = {one.name: one for one in fields(settings)}  # type: ignore[arg-type]
    given = {name: environment.get(name.upper()) or None for name in wanted}
    missing = [
        name.upper()
        for name, one in wanted.items()
        if given[name] is None and not str(one.type).endswith(_OPTIONAL)
    ]
    if missing:
        raise MissingSettings(
            f"missing settings: {', '.join(missing)}: set them in the environment"
        )
    values: dict[str, Any] = {
        name: text and _parse(wanted[name], name.upper(), text) for name, text in given.items()
    }
    return settings(**values)


def _parse(one: Field[Any], variable: str, text: str) -> str | int | bool | tuple[str, ...]:
    kind = str(one.type)
    if kind == "int":
        return _whole_number(variable, text, least=one.metadata.get("least", 1))
    if kind == "bool":
        if text not in ("true", "false"):
            raise BadSetting(f"{variable} must be true or false")
        return text == "true"
    if kind.startswith("tuple"):
        parts = tuple(part.strip() for part in text.split(",") if part.strip())
        if not parts:
            raise BadSetting(f"{variable} must name at least one, separated by commas")
        return parts
    return text


def _whole_number(variable: str, text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:  # which repeats the value
        raise BadSetting(f"{variable} must be a whole number") from None
    if number < least:
        raise BadSetting(f"{variable} must be at least {least}")
    return number
