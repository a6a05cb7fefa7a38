"""Reads the HTTP API out of the template: its routes, its authorizer, its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Route:
    """`path` as in the template, `/training-runs/{id}`; an open route asks nobody for a token."""

    method: str
    path: str
    function: str
    is_open: bool

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class ApiPlan:
    """The HTTP API as the template declares it; rate and burst hold for each route."""

    routes: tuple[Route, ...]
    authorizer: str
    reauthorize_seconds: float
    rate_per_second: float
    burst: int

    @property
    def functions(self) -> frozenset[str]:
        """Those that the API calls, the authorizer included."""
        return frozenset({self.authorizer} | {route.function for route in self.routes})


def read_api(template: Mapping[str, Any]) -> ApiPlan:
    resources = template["Resources"]
    (api,) = (
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Serverless::HttpApi"
    )
    (authorizer,) = api["Auth"]["Authorizers"].values()
    limits = api["DefaultRouteSettings"]
    return ApiPlan(
        routes=tuple(_routes(resources)),
        authorizer=authorizer["FunctionArn"]["Fn::GetAtt"][0],
        reauthorize_seconds=authorizer["Identity"]["ReauthorizeEvery"],
        rate_per_second=_default(template, limits["ThrottlingRateLimit"]),
        burst=_default(template, limits["ThrottlingBurstLimit"]),
    )


def _routes(resources: Mapping[str, Any]) -> Iterator[Route]:
    for name, resource in resources.items():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "HttpApi":
                yield _route(name, event["Properties"])


def _route(function: str, properties: Mapping[str, Any]) -> Route:
    is_open = properties.get("Auth", {}).get("Authorizer") == "NONE"
    return Route(properties["Method"], properties["Path"], function, is_open)


def _default(template: Mapping[str, Any], value: Any) -> Any:
    return template["Parameters"][value["Ref"]]["Default"]
