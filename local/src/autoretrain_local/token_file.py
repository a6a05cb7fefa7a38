"""Owns the token of whoever works on this machine: made once, kept for their eyes only."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from uuid import UUID

from autoretrain.domain.access import ALL_SCOPES, parse_token
from autoretrain.services.tokens import Tokens
from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, Database
from autoretrain.storage.tokens import TokenBooks
from autoretrain_local.folder import write_private

TOKEN_FILE = "token"  # noqa: S105 -- the name of the file
_LOCAL_USER = UUID(int=1)
_NAME = "this machine"


def local_token(database_url: str, data: Path) -> str:
    """The token kept in the folder; a new one where the database does not know that, or no
    more. Then those that it replaces are revoked: nobody has them, or nobody should."""
    file = data / TOKEN_FILE
    with closing(Database(lambda: connect(database_url), API)) as database:
        books = TokenBooks(database)
        kept = file.read_text(errors="replace").strip() if file.exists() else ""
        if _is_good(kept, books):
            return kept
        tokens = Tokens(books)
        _revoke_earlier(tokens)
        made = tokens.create(_LOCAL_USER, _NAME, None, None, ALL_SCOPES).token
    write_private(file, f"{made}\n")
    return made


def _revoke_earlier(tokens: Tokens) -> None:
    for row in tokens.list(_LOCAL_USER):
        if row.name == _NAME and row.revoked_at is None:
            tokens.revoke(_LOCAL_USER, row.id)


def _is_good(text: str, books: TokenBooks) -> bool:
    token = parse_token(text)
    known = books.find(token.id) if token else None
    if token is None or known is None or known.revoked or known.expired:
        return False
    return token.matches(known.secret_sha256)
