"""Tells API Gateway who a caller is, from the Authorization header; what they may do is for the api
to decide."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from autoretrain import bootstrap
from autoretrain.domain.access import Caller, Scope
from autoretrain.errors import AutoRetrainError
from autoretrain.logs import RedactingFormatter
from autoretrain.services.access import Authorizer, Refusal
from autoretrain.settings import AuthorizerSettings, read

logger = Logger(logger_formatter=RedactingFormatter())


@cache
def authorizer() -> Authorizer:
    return bootstrap.authorizer(read(AuthorizerSettings, os.environ), tell)


def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """A simple response; what fails on our side is raised, so that nobody is refused for it."""
    try:
        caller = authorizer().authorize(authorization(event))
    except AutoRetrainError as exc:
        logger.error("auto-retrain authorizer failed", extra={"code": exc.code, "why": str(exc)})
        raise
    return {"isAuthorized": caller is not None, "context": context_of(caller) if caller else {}}


def authorization(event: dict[str, Any]) -> str:
    """What the gateway caches the answer under, else the header itself; empty without either."""
    match event:
        case {"identitySource": [str(source), *_]}:
            return source
        case {"headers": dict(headers)}:
            given = [headers[name] for name in headers if name.lower() == "authorization"]
            return "".join(map(str, given[:1]))
    return ""


def context_of(caller: Caller) -> dict[str, str]:
    return {
        "user_id": str(caller.user_id),
        "scopes": " ".join(scope for scope in Scope if scope in caller.scopes),
        "kind": caller.kind,
        "token_id": caller.token_id,
    }


def tell(refusal: Refusal) -> None:
    told = {"why": refusal.reason, "token_id": refusal.token_id}
    logger.warning("auto-retrain caller refused", extra=told)
