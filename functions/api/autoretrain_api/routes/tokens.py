"""The caller's own API tokens: what they may do, never what they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body as BodyParameter

from autoretrain_api.allowed import TokenId
from autoretrain_api.answers import NewToken, Token, TokenPage
from autoretrain_api.callers import Keeper, Reader
from autoretrain_api.described import BODY, CHECKED, CONFLICT, NAMED, described
from autoretrain_api.log import tell
from autoretrain_api.people import people
from autoretrain_api.requests import TokenRequest

router = Router()  # type: ignore[no-untyped-call]


@router.get("/api/tokens", **described("listTokens", "The caller's tokens", "tokens"))
def tokens(caller: Reader) -> TokenPage:
    rows = people().tokens.list(caller.user_id)
    return TokenPage(items=[Token.of(row) for row in rows], next=None)


@router.post(
    "/api/tokens",
    **described(
        "createToken",
        "Make a token",
        "tokens",
        answers={201: "The token, shown this once"},
        refuses=BODY + CONFLICT,
        status_code=201,
    ),
)
def create(caller: Keeper, body: Annotated[TokenRequest, BodyParameter()]) -> NewToken:
    days = body.expires_in_days
    lifetime = None if days is None else timedelta(days=days)
    made = people().tokens.create(
        caller.user_id, body.name, body.scopes, lifetime, granting=caller.scopes
    )
    tell("create token", caller, new_token_id=made.row.id, scopes=made.row.scopes)
    return NewToken(**made.row._asdict(), token=made.token)


@router.delete(
    "/api/tokens/<id>",
    **described(
        "revokeToken",
        "Revoke a token",
        "tokens",
        answers={204: "It is revoked"},
        refuses=NAMED + CHECKED,
    ),
)
def revoke(caller: Keeper, token_id: TokenId) -> Response[Any]:
    people().tokens.revoke(caller.user_id, token_id)
    tell("revoke token", caller, revoked_token_id=token_id)
    return Response(204, body="")
