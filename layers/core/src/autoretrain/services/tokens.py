"""A user's API tokens: made once, shown once, revoked at will."""

from __future__ import annotations

import builtins
import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from autoretrain.domain.access import (
    ID_CHARACTERS,
    ID_LENGTH,
    SECRET_BYTES,
    ApiToken,
    Scope,
    TokenRow,
    make_token,
)
from autoretrain.errors import Conflict, Invalid, MissingScope, Unknown
from autoretrain.ports import TokenKeeper

MAX_LIVE_TOKENS = 100
MAX_NAME_LENGTH = 100
MAX_LIFETIME = timedelta(days=3650)


class CreatedToken(NamedTuple):
    """The token itself is in nobody's hands but the caller's; `row` is what stays."""

    token: str
    row: TokenRow


class Tokens:
    """Creates, lists and revokes a user's tokens."""

    def __init__(self, books: TokenKeeper) -> None:
        self._books = books

    def create(
        self,
        user_id: UUID,
        name: str,
        scopes: Collection[Scope] | None,
        lifetime: timedelta | None,
        granting: frozenset[Scope],
    ) -> CreatedToken:
        """Make a token with the scopes, None: all that the granting caller has; lifetime None:
        for ever.

        Raises Invalid, MissingScope for more than the granting caller has, and Conflict at the
        limit of live tokens.
        """
        granted = _granted(scopes, granting)
        _check_name(name)
        if lifetime is not None and not timedelta(0) < lifetime <= MAX_LIFETIME:
            raise Invalid(f"expires_in_days: must be from 1 to {MAX_LIFETIME.days}")
        token = _new_token()
        row = self._books.add(token, user_id, name, granted, lifetime, MAX_LIVE_TOKENS)
        if row is None:
            raise Conflict(
                "too_many_tokens",
                f"{MAX_LIVE_TOKENS} tokens are live: revoke one that is not used any more",
            )
        return CreatedToken(token.text, row)

    def list(self, user_id: UUID) -> builtins.list[TokenRow]:
        """Newest first; revoked and expired ones too."""
        return self._books.of_user(user_id)

    def revoke(self, user_id: UUID, token_id: str) -> None:
        """Raises Unknown for a token that is not the user's."""
        if not self._books.revoke(user_id, token_id):
            raise Unknown("token")


def _new_token() -> ApiToken:
    token_id = "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))
    return make_token(token_id, secrets.token_bytes(SECRET_BYTES))


def _granted(scopes: Collection[Scope] | None, granting: frozenset[Scope]) -> list[Scope]:
    wanted = granting if scopes is None else frozenset(scopes)
    if not wanted:
        raise Invalid(f"scopes: must name at least one of {', '.join(Scope)}")
    ordered = sorted(wanted, key=list(Scope).index)
    for scope in ordered:
        if scope not in granting:
            raise MissingScope(scope)
    return ordered


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= MAX_NAME_LENGTH or not name.isprintable() or name.isspace():
        raise Invalid(f"name: must be 1 to {MAX_NAME_LENGTH} printable characters")
