"""The HTTP API of the template: its routes, who is let in, what is logged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autoretrain_local.gateway.plan import read_api

OPEN = {"GET /", "GET /assets/{file}", "GET /health", "GET /openapi.json"}
RETRAIN = {
    "POST /api/ai-strategies/{id}/auto-retrain",
    "POST /auto-retrain",
    "POST /train-strategy",
}
# What the access log may tell of a request: nothing that the caller has written but the route.
LOGGED = {
    "requestId": "$context.requestId",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "ip": "$context.identity.sourceIp",
    "integrationError": "$context.integrationErrorMessage",
    "authorizerError": "$context.authorizer.error",
    "latencyMs": "$context.responseLatency",
}


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return of_type(template, "AWS::Serverless::Function")


def api(template: dict[str, Any]) -> dict[str, Any]:
    (only,) = of_type(template, "AWS::Serverless::HttpApi").values()
    return only


def test_routes_are_those_of_the_contract(template: dict[str, Any], root: Path) -> None:
    contract = json.loads((root / "functions/api/openapi.json").read_text())
    wanted = [
        f"{method.upper()} {path}"
        for path, operations in contract["paths"].items()
        for method in operations
    ]
    assert sorted(route.key for route in read_api(template).routes) == sorted(wanted)


def test_every_route_is_of_the_one_api(template: dict[str, Any]) -> None:
    for properties in functions(template).values():
        for event in properties.get("Events", {}).values():
            assert event["Type"] == "HttpApi"
            assert event["Properties"]["ApiId"] == {"Ref": "HttpApi"}
            assert event["Properties"].get("Auth", {}).keys() <= {"Authorizer"}


def test_only_what_carries_no_data_is_open(template: dict[str, Any]) -> None:
    assert {route.key for route in read_api(template).routes if route.is_open} == OPEN


def test_routes_that_train_have_a_function_of_their_own(template: dict[str, Any]) -> None:
    by_function = {
        name: {route.key for route in read_api(template).routes if route.function == name}
        for name in ("ApiFunction", "RetrainFunction")
    }
    assert by_function["RetrainFunction"] == RETRAIN
    assert len(by_function["ApiFunction"] | RETRAIN) == len(read_api(template).routes)
    ours = functions(template)
    assert ours["ApiFunction"]["CodeUri"] == ours["RetrainFunction"]["CodeUri"]


def test_function_is_done_before_the_gateway_gives_it_up(template: dict[str, Any]) -> None:
    assert all(functions(template)[name]["Timeout"] < 30 for name in read_api(template).functions)


def test_authorizer_guards_every_route_and_may_be_called(template: dict[str, Any]) -> None:
    auth = api(template)["Auth"]
    ((name, authorizer),) = auth["Authorizers"].items()
    assert auth["DefaultAuthorizer"] == name
    assert authorizer == {
        "FunctionArn": {"Fn::GetAtt": ["AuthorizerFunction", "Arn"]},
        "EnableFunctionDefaultPermissions": True,
        "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": True,
        "Identity": {"Headers": ["Authorization"], "ReauthorizeEvery": 60},
    }


def test_api_is_throttled_as_the_parameters_say(template: dict[str, Any]) -> None:
    assert api(template)["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ApiRateLimit"},
        "ThrottlingBurstLimit": {"Ref": "ApiBurstLimit"},
    }
    plan = read_api(template)
    assert (plan.rate_per_second, plan.burst) == (50, 100)


def test_access_log_is_json_and_tells_nothing_that_is_secret(template: dict[str, Any]) -> None:
    assert json.loads(api(template)["AccessLogSettings"]["Format"]) == LOGGED


def test_browsers_may_call_from_the_chosen_origins_or_from_none(template: dict[str, Any]) -> None:
    condition, cors, without = api(template)["CorsConfiguration"]["Fn::If"]
    assert template["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "CorsOrigins"}, ""]}]
    }
    assert template["Parameters"]["CorsOrigins"]["Default"] == ""
    assert without == {"Ref": "AWS::NoValue"}
    assert cors == {
        "allowOrigins": {"Fn::Split": [",", {"Ref": "CorsOrigins"}]},
        "allowMethods": ["GET", "POST", "PATCH", "DELETE"],
        "allowHeaders": [
            "authorization",
            "content-type",
            "idempotency-key",
            "prefer",
            "if-none-match",
        ],
        "exposeHeaders": ["etag", "retry-after", "preference-applied"],
    }
