"""The HTTP API: what came in is checked, answered by its route, and whatever went wrong told."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from autoretrain_api.body import guarded
from autoretrain_api.headers import with_headers
from autoretrain_api.log import logger
from autoretrain_api.refusals import refused
from autoretrain_api.resolver import build_resolver

__all__ = ["handler", "logger"]

resolver = build_resolver()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request; an error of ours is an answer too, never a failed invocation."""
    try:
        answer = resolver.resolve(guarded(event), context)
    except Exception as exc:
        answer = refused(exc, request_id(event))
    return with_headers(answer)


def request_id(event: object) -> str:
    match event:
        case {"requestContext": {"requestId": str(known)}}:
            return known
    return ""
