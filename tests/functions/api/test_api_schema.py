from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.functions.api.conftest import Site

CONTRACT = json.loads(
    (Path(__file__).parents[3] / "functions" / "api" / "openapi.json").read_text()
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
schema = schemathesis.openapi.from_dict(CONTRACT)


@schema.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_to_its_contract_whatever_it_is_sent(case: Any, site: Site) -> None:
    if case.meta.generation.mode.is_positive:
        aim(case, site.owner.ids())

    response = case.call(base_url=site.url, headers=dict(site.owner.http.headers))

    case.validate_response(response, checks=CHECKS)


def aim(case: Any, known: dict[str, str]) -> None:
    """Valid ids become those of things that exist: hardly any other request gets beyond 404."""
    kind = "run" if "/training-runs/{" in case.path else "strategy"
    if "id" in case.path_parameters and "/tokens/" not in case.path:
        case.path_parameters["id"] = known[kind]
    if "version" in case.path_parameters:
        case.path_parameters["version"] = known["version"]
    if isinstance(case.body, dict) and "strategy_id" in case.body:
        case.body["strategy_id"] = known["strategy"]
