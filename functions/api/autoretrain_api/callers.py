"""Who calls, as the authorizer has found, and whether they may: a route asks for it by type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.depends import Depends

from autoretrain.domain.access import Caller, Scope
from autoretrain.errors import MissingScope


def _with(scope: Scope) -> Callable[[Request], Caller]:
    def allowed(request: Request) -> Caller:
        caller = _caller(request)
        if scope not in caller.scopes:
            raise MissingScope(scope)
        return caller

    return allowed


def _caller(request: Request) -> Caller:
    found = request.resolved_event["requestContext"]["authorizer"]["lambda"]
    return Caller(
        user_id=UUID(found["user_id"]),
        scopes=frozenset(Scope(name) for name in found["scopes"].split()),
        kind=found["kind"],
        token_id=found["token_id"],
    )


Reader = Annotated[Caller, Depends(_with(Scope.READ))]
Retrainer = Annotated[Caller, Depends(_with(Scope.RETRAIN))]
Keeper = Annotated[Caller, Depends(_with(Scope.MANAGE))]
