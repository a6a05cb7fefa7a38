"""Builds the routing: one resolver, every route, our own words for what Powertools refuses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any, NoReturn

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, api_gateway
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from autoretrain.errors import Invalid, Unknown
from autoretrain_api.body import read_json
from autoretrain_api.refusals import invalid
from autoretrain_api.routes import ROUTERS


class Resolver(APIGatewayHttpResolver):
    """Powertools keeps the event of the moment on a class, for everybody; here every thread has
    its own, so that two requests at a time never read each other's."""

    def __init__(self) -> None:
        self._own = threading.local()
        super().__init__(enable_validation=True, json_body_deserializer=read_json)

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        self._own.event = APIGatewayProxyEventV2(dict(event), read_json)
        return super().resolve(event, context)

    def not_found_here(self, _exc: NotFoundError) -> NoReturn:
        """Where API Gateway has matched the path to a route with an id, the id is to blame."""
        if "{id}" in self.current_event["routeKey"]:
            raise Invalid("path: has a character that no id and no version has")
        raise Unknown("route")

    @property
    def current_event(self) -> APIGatewayProxyEventV2:  # type: ignore[override]
        event: APIGatewayProxyEventV2 = self._own.event
        return event

    @property
    def context(self) -> dict[str, Any]:
        own: dict[str, Any] = self._own.__dict__.setdefault("context", {})
        return own

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._own.context = value


def build_resolver() -> Resolver:
    # It would log whatever is raised here, secrets and all; `refused` knows what to log and how.
    logging.getLogger(api_gateway.__name__).disabled = True
    resolver = Resolver()
    for router in ROUTERS:
        resolver.include_router(router)
    resolver.not_found(resolver.not_found_here)
    resolver.exception_handler(RequestValidationError)(_invalid)
    return resolver


def _invalid(exc: RequestValidationError) -> NoReturn:
    raise invalid(exc) from None
