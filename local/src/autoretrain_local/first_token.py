"""The first token comes from whoever holds the database: nobody can ask the API for it yet."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from autoretrain.domain.access import ALL_SCOPES, Scope
from autoretrain.errors import OperatorError
from autoretrain.services.tokens import Tokens
from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, Database
from autoretrain.storage.tokens import TokenBooks
from autoretrain_local.databases import database


def create(
    database_url: str | None,
    user_id: UUID,
    name: str,
    scopes: Collection[Scope] | None = None,
    lifetime: timedelta | None = None,
    data: Path = Path(".local"),
) -> str:
    """Make a token, as the stack's own role, and return it; scopes None: all, lifetime None: for
    ever. Without a URL, the database is that of the local stack in `data`.

    Raises Invalid, Conflict at the limit of live tokens, OperatorError where there is no database,
    and what `Database` raises.
    """
    if not (database_url or data.is_dir()):
        raise OperatorError(
            f"there is no local stack in {data}: name its folder with --data, or a database with"
            " --database-url or DATABASE_URL"
        )
    with (
        database(database_url, data) as url,
        closing(Database(lambda: connect(url), API)) as opened,
    ):
        tokens = Tokens(TokenBooks(opened))
        return tokens.create(user_id, name, scopes, lifetime, ALL_SCOPES).token
