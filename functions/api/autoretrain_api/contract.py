"""The OpenAPI document: `python -m autoretrain_api.contract` writes it to standard output."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from autoretrain_api.resolver import build_resolver

ERROR = {
    "title": "Error",
    "description": "What this API itself refuses: code for programs, message for people",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "properties": {name: {"type": "string"} for name in ("code", "message", "request_id")},
        }
    },
}
GATEWAY_ERROR = {
    "title": "GatewayError",
    "description": "What API Gateway refuses before the request reaches this API",
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": "string"}},
}
# Powertools adds its own forms of refusals; ours replace them where there are any.
_POWERTOOLS_OWN = ("HTTPValidationError", "ResponseValidationError", "ValidationError")


def document() -> dict[str, Any]:
    written = build_resolver().get_openapi_json_schema(
        title="auto-retrain",
        version=version("autoretrain"),
        description="Decides when trading strategies are retrained, and shows what came of it.",
        openapi_version="3.1.0",
        security_schemes={"bearer": HTTPBearer(description="`arp_…`, or a Supabase JWT")},
    )
    contract: dict[str, Any] = json.loads(written)
    components = contract["components"]
    for name in _POWERTOOLS_OWN:
        del components["schemas"][name]
    components["schemas"] |= {"Error": ERROR, "GatewayError": GATEWAY_ERROR}
    components["responses"] = {}
    for operations in contract["paths"].values():
        for operation in operations.values():
            operation["responses"] = _shared(operation["responses"], components["responses"])
    return contract


def text() -> str:
    return json.dumps(document(), indent=2, sort_keys=True) + "\n"


def _shared(responses: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """The same refusals, those that are alike everywhere written once in `shared`."""
    found = {}
    for status, response in responses.items():
        if _POWERTOOLS_OWN[0] in json.dumps(response):
            continue
        alike = status >= "400" and shared.setdefault(status, response) == response
        found[status] = {"$ref": f"#/components/responses/{status}"} if alike else response
    return found


if __name__ == "__main__":
    sys.stdout.write(text())
