"""A JSON schema in a few words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMATS = {"uuid": "a UUID", "date-time": "a time, ISO 8601"}


def kind(schema: Mapping[str, Any]) -> str:
    """What a value is, and which are allowed."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(map(kind, choices))
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    return plain(schema)


def plain(schema: Mapping[str, Any]) -> str:
    match schema.get("type"):
        case "array":
            return f"a list: {kind(schema['items'])}"
        case "object":
            return named(schema)
        case "integer":
            return f"a whole number{limits(schema)}"
        case "number":
            return f"a number{limits(schema)}"
        case "boolean":
            return "`true` or `false`"
        case "null":
            return "null"
        case "string":
            return text(schema)
    return "anything"


def text(schema: Mapping[str, Any]) -> str:
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    longest = schema.get("maxLength")
    return f"text of at most {longest:,} characters" if longest else "text"


def named(schema: Mapping[str, Any]) -> str:
    """An object whose names are not known before, or one with its fields in line."""
    values = [*schema.get("patternProperties", {}).values()]
    if isinstance(schema.get("additionalProperties"), dict):
        values.append(schema["additionalProperties"])
    if values:
        return f"by name, {kind(values[0])}"
    fields = ", ".join(f"`{name}`" for name in schema.get("properties", ()))
    return f"an object: {fields}" if fields else "an object"


def limits(schema: Mapping[str, Any]) -> str:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    above = " above" if "exclusiveMinimum" in schema else " from"
    parts = [] if least is None else [f"{above} {figure(least)}"]
    return "".join(parts if most is None else [*parts, f" to {figure(most)}"])


def figure(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else f"{number:g}"
