"""The API's contract in tables: its routes, what each takes and answers, and the shapes of both."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from autoretrain_api.contract import document
from checks.pages.kinds import kind

JSON = "application/json"
TAGS = ["retrain", "strategies", "models", "runs", "tokens", "site"]
TOO_COMMON = ("401", "403", "429", "500", "503")
"""Any route but the open ones may answer so; the page says it once."""


@cache
def contract() -> dict[str, Any]:
    return document()


def routes() -> str:
    rows = [f"| `{route}` | {operation['summary']} |" for route, operation in found()]
    return "\n".join(["| route | what it does |", "|---|---|", *rows])


def operations() -> str:
    return "\n\n".join("\n".join(one(*each)) for each in found())


def shapes() -> str:
    schemas: dict[str, Any] = contract()["components"]["schemas"]
    return "\n\n".join("\n".join(shape(name, schema)) for name, schema in schemas.items())


def found() -> list[tuple[str, dict[str, Any]]]:
    """Every operation by its route, in the order of the tags and then of the paths."""
    every = [
        (path, method, operation)
        for path, methods in contract()["paths"].items()
        for method, operation in methods.items()
    ]
    every.sort(key=lambda each: (TAGS.index(each[2]["tags"][0]), *each[:2]))
    return [(f"{method.upper()} {path}", operation) for path, method, operation in every]


def one(route: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### {route}"
    yield ""
    yield sentence(operation["summary"], "" if operation.get("security") else "Open to everybody.")
    yield from takes(operation)
    yield ""
    yield "| status | answer | |"
    yield "|---|---|---|"
    for status, answer in sorted(operation["responses"].items()):
        if status not in TOO_COMMON:
            yield answers(status, answer)


def takes(operation: dict[str, Any]) -> Iterator[str]:
    rows = [
        f"| `{each['name']}` | {each['in']} | {kind(each['schema'])} |"
        f" {each.get('description', '')} |"
        for each in operation.get("parameters", ())
        if each["in"] != "path"
    ]
    if "requestBody" in operation:
        body = operation["requestBody"]["content"][JSON]["schema"]
        rows.append(f"| the body | body | {kind(body)} | |")
    if rows:
        yield from ("", "| takes | in | what it is | |", "|---|---|---|---|", *rows)


def answers(status: str, answer: dict[str, Any]) -> str:
    if "$ref" in answer:
        answer = contract()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    content: dict[str, Any] = answer.get("content", {})
    told = kind(content[JSON]["schema"]) if JSON in content else ", ".join(content) or "–"
    return f"| {status} | {told} | {answer['description']} |"


def shape(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if "description" in schema:
        yield sentence(schema["description"])
        yield ""
    if "properties" not in schema:
        yield f"{sentence(kind(schema))}"
        return
    yield "| field | what it is | |"
    yield "|---|---|---|"
    for field, told in schema["properties"].items():
        must = "" if field in schema.get("required", ()) else "may be left out"
        yield f"| `{field}` | {kind(told)} | {must} |"


def sentence(*told: str) -> str:
    return " ".join(f"{part.rstrip('.')}." for part in told if part)
