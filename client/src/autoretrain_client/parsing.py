"""Turns JSON into the values of `answers`: strict on what it needs, blind to what it does not know.

A field that may be None may also be absent, so that a newer client can read an older server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import httpx

from autoretrain_client.errors import NotUnderstood

Value = TypeVar("Value")

_HINT = "is this auto-retrain's URL, and the client as new as the server?"


def parse(kind: type[Value], json: object) -> Value:
    """The JSON as a value of that kind. Raises NotUnderstood, naming the field."""
    value: Value = _value(kind, json, "the answer")
    return value


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object that came, an empty one where something else did."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _value(kind: Any, json: Any, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if json is None else _value(_not_none(arguments), json, where)
    if origin is tuple and isinstance(json, list):
        return tuple(_value(arguments[0], item, where) for item in json)
    if origin is Mapping and isinstance(json, dict):
        return json
    if is_dataclass(origin or kind) and isinstance(json, dict):
        return _dataclass(kind, json, where)
    return _scalar(kind, json, where)


def _dataclass(kind: Any, json: dict[str, Any], where: str) -> Any:
    values = {}
    for name, hint in _hints(kind).items():
        if name not in json and NoneType not in get_args(hint):
            raise NotUnderstood(f"{where} lacks {name}: {_HINT}")
        values[name] = _value(hint, json.get(name), f"{where}'s {name}")
    return (get_origin(kind) or kind)(**values)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """The type of each field, with a page's items being what the page is of."""
    plain = get_origin(kind) or kind
    hints = get_type_hints(plain)
    if arguments := get_args(kind):
        hints["items"] = tuple[arguments[0], ...]  # type: ignore[valid-type]
    return {item.name: hints[item.name] for item in fields(plain)}


def _scalar(kind: Any, json: Any, where: str) -> Any:
    try:
        return _SCALARS[kind](json)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise NotUnderstood(f"{where} is not what it should be: {_HINT}") from exc


def _not_none(arguments: tuple[Any, ...]) -> Any:
    return next(argument for argument in arguments if argument is not NoneType)


def _moment(json: Any) -> datetime:
    moment = datetime.fromisoformat(json)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _exactly(*kinds: type) -> Callable[[Any], Any]:
    def check(json: Any) -> Any:
        if type(json) not in kinds:  # not isinstance: True is an int
            raise TypeError
        return json

    return check


_SCALARS: Mapping[Any, Callable[[Any], Any]] = {
    str: _exactly(str),
    int: _exactly(int),
    float: lambda json: float(_exactly(int, float)(json)),
    bool: _exactly(bool),
    datetime: _moment,
    date: date.fromisoformat,
    UUID: UUID,
}
