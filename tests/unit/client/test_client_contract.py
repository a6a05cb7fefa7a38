"""The client reads whatever the committed contract allows, and knows all of it."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pytest

from autoretrain_client import answers
from autoretrain_client.parsing import parse
from tests.unit.client.scripted import STRATEGY
from tests.unit.client.test_client_calls import CALLS

CONTRACT = json.loads(
    Path(__file__).parents[3].joinpath("functions/api/openapi.json").read_text(encoding="utf-8")
)
SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]
KINDS: dict[str, Any] = {
    "ActivationPage": answers.Page[answers.Activation],
    "ActiveModel": answers.Pointer,
    "Condition": answers.Condition,
    "DecisionPage": answers.Page[answers.Decision],
    "Failure": answers.Problem,
    "HealthReport": answers.Health,
    "ModelPage": answers.Page[answers.Model],
    "ModelReport": answers.ModelReport,
    "NewToken": answers.CreatedToken,
    "Performance": answers.Performance,
    "Pin": answers.Pin,
    "Retrain": answers.Retrain,
    "RetrainedModel": answers.RetrainedModel,
    "Run": answers.Run,
    "RunPage": answers.Page[answers.Run],
    "Settings": answers.Settings,
    "Strategy": answers.Strategy,
    "StrategyPage": answers.Page[answers.StrategySummary],
    "TokenPage": answers.Page[answers.Token],
    "Week": answers.Week,
}
NULL = {"type": "null"}
SAMPLES = {
    "uuid": str(UUID(int=1)),
    "date-time": "2026-11-16T10:00:00Z",
    "date": "2026-11-16",
    "string": "text",
    "integer": 3,
    "number": 3,  # a whole number is written so
    "boolean": True,
    "null": None,
}


def sample(schema: dict[str, Any], *, full: bool) -> Any:
    """Something that the schema allows: with everything that may be there, or with nothing."""
    if "$ref" in schema:
        return sample(SCHEMAS[schema["$ref"].rpartition("/")[2]], full=full)
    if "anyOf" in schema:
        either = [each for each in schema["anyOf"] if (each == NULL) != full]
        return sample((either or schema["anyOf"])[0], full=full)
    if "properties" in schema:
        return {name: sample(each, full=full) for name, each in schema["properties"].items()}
    if schema.get("type") == "array":
        return [sample(schema["items"], full=full)] if full else []
    if schema.get("type") == "object":
        return {"name": 1} if full else {}
    return SAMPLES[schema.get("format") or schema["type"]]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("full", [True, False])
def test_client_reads_what_the_contract_allows(name: str, full: bool) -> None:
    written = sample(SCHEMAS[name], full=full)
    found = parse(KINDS[name], written)
    absent = {field.name for field in fields(found) if getattr(found, field.name) is None}
    assert absent - {"etag"} == {field for field, value in written.items() if value is None}


@pytest.mark.parametrize("name", [name for name in KINDS if not name.endswith("Page")])
def test_client_knows_the_fields_of_the_contract(name: str) -> None:
    hints = get_type_hints(KINDS[name])
    assert set(hints) - {"etag"} == set(SCHEMAS[name]["properties"])
    optional = {field for field, hint in hints.items() if NoneType in get_args(hint)}
    nullable = {
        field
        for field, schema in SCHEMAS[name]["properties"].items()
        if NULL in schema.get("anyOf", [])
    }
    assert optional - {"etag"} == nullable


def test_lists_are_asked_for_in_pages_as_long_as_the_contract_allows() -> None:
    longest = {
        path: parameter["schema"]["maximum"]
        for path, methods in CONTRACT["paths"].items()
        for parameter in methods.get("get", {}).get("parameters", [])
        if parameter["name"] == "limit"
    }
    sent = [sent.replace("/prod", "").replace(STRATEGY, "{id}") for *_, sent, _ in CALLS]
    asked = {each.split()[1].partition("?")[0] for each in sent if "limit=200" in each}
    assert longest == dict.fromkeys(asked, 200)


def test_client_asks_for_every_route_that_has_data() -> None:
    sent = [sent.replace("/prod", "").partition("?")[0] for *_, sent, _ in CALLS]
    sent.append(f"GET /api/ai-strategies/{UUID(int=1)}/active-model")
    routes = {
        f"{method.upper()} {path}": re.compile(
            re.escape(method.upper()) + " " + re.sub(r"\{[^}]*\}", "[^/]+", path)
        )
        for path, methods in CONTRACT["paths"].items()
        for method in methods
    }
    unasked = {name for name, route in routes.items() if not any(map(route.fullmatch, sent))}
    assert unasked == {"GET /", "GET /assets/{file}", "GET /openapi.json"}
