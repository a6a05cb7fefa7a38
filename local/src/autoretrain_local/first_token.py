"""The first token comes from whoever holds the database: nobody can ask the API for it yet."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from datetime import timedelta
from uuid import UUID

from autoretrain.domain.access import ALL_SCOPES, Scope
from autoretrain.services.tokens import Tokens
from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, Database
from autoretrain.storage.tokens import TokenBooks


def create(
    database_url: str,
    user_id: UUID,
    name: str,
    scopes: Collection[Scope] | None = None,
    lifetime: timedelta | None = None,
) -> str:
    """Make a token, as the stack's own role, and return it; scopes None: all, lifetime None: for
    ever.

    Raises Invalid, Conflict at the limit of live tokens, and what `Database` raises.
    """
    with closing(Database(lambda: connect(database_url), API)) as database:
        tokens = Tokens(TokenBooks(database))
        return tokens.create(user_id, name, scopes, lifetime, ALL_SCOPES).token
