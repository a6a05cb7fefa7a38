"""Decides who a caller is, from one header: an API token or a web token, or nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from autoretrain.domain.access import ApiToken, Caller, KnownToken, Scope, parse_token
from autoretrain.ports import NotVerified, TokenFinder, WebTokens

# What API Gateway lets through; a longer header never reaches the expensive questions.
MAX_HEADER_LENGTH = 10_240
# RFC 6750, section 2.1; the scheme's name has no case (RFC 9110, section 11.1).
_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
_JWT_DOTS = 2


class Refusal(NamedTuple):
    """Why a caller is nobody; `token_id` is empty where no token was named."""

    reason: str
    token_id: str = ""


class Authorizer:
    """Turns an Authorization header into a caller.

    `web_tokens` is called when the first web token comes: what verifies them is slow to load.
    `refused` is told why, for the log; the caller never is.
    """

    def __init__(
        self,
        tokens: TokenFinder,
        web_tokens: Callable[[], WebTokens],
        refused: Callable[[Refusal], None],
    ) -> None:
        self._tokens = tokens
        self._web_tokens = web_tokens
        self._refused = refused

    def authorize(self, authorization_header: str) -> Caller | None:
        """None for whoever proves nothing.

        Raises DependencyError and OperatorError: an outage or a mistake of ours refuses nobody.
        """
        known = self._examine(authorization_header)
        if isinstance(known, Caller):
            return known
        self._refused(known)
        return None

    def _examine(self, header: str) -> Caller | Refusal:
        if len(header) > MAX_HEADER_LENGTH:
            return Refusal("the header is too long")
        bearer = _BEARER.fullmatch(header)
        if bearer is None:
            return Refusal("not of the form: Bearer <token>")
        text = bearer[1]
        return self._web_token(text) if text.count(".") == _JWT_DOTS else self._api_token(text)

    def _api_token(self, text: str) -> Caller | Refusal:
        token = parse_token(text)
        if token is None:
            return Refusal("not of the form of a token")
        known = _judged(token, self._tokens.find(token.id))
        if isinstance(known, Caller):
            self._tokens.note_use(token.id)
        return known

    def _web_token(self, text: str) -> Caller | Refusal:
        try:
            return self._web_tokens().verify(text)
        except NotVerified as exc:
            return Refusal(str(exc))


def _judged(token: ApiToken, known: KnownToken | None) -> Caller | Refusal:
    if known is None:
        return Refusal("unknown token", token.id)
    if not token.matches(known.secret_sha256):
        return Refusal("wrong secret", token.id)
    if known.revoked:
        return Refusal("revoked", token.id)
    if known.expired:
        return Refusal("expired", token.id)
    scopes = frozenset(Scope(scope) for scope in known.scopes)
    return Caller(known.user_id, scopes, "token", token.id)
