"""Who may call: scopes, callers, and API tokens, of which only a hash is ever stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
ID_LENGTH = 8
SECRET_BYTES = 32
# 256 bits fill 42 characters and four bits of one more, whose last two are zero.
_FORM = re.compile(rf"arp_([a-z0-9]{{{ID_LENGTH}}})_([A-Za-z0-9_-]{{42}}[AEIMQUYcgkosw048])")


class Scope(StrEnum):
    """What a caller may do."""

    READ = "read"
    RETRAIN = "retrain"
    MANAGE = "manage"


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever has shown a token (kind "token", with its id) or a web token (kind "jwt")."""

    user_id: UUID
    scopes: frozenset[Scope]
    kind: str
    token_id: str = ""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """`arp_<id>_<secret>`: the id finds the stored row, the secret proves the right to it."""

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        return f"arp_{self.id}_{self.secret}"

    @property
    def sha256(self) -> str:
        """Plain SHA-256 is enough for a secret of 256 random bits: nobody can guess through it."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def matches(self, secret_sha256: str) -> bool:
        """Takes the same time wherever the two hashes differ."""
        return hmac.compare_digest(self.sha256, secret_sha256)


class TokenRow(NamedTuple):
    """A token as its owner sees it: everything but the secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class KnownToken(NamedTuple):
    """A stored token as the authorizer needs it, at the database's own time."""

    id: str
    secret_sha256: str
    user_id: UUID
    scopes: list[str]
    revoked: bool
    expired: bool


def make_token(token_id: str, random_bytes: bytes) -> ApiToken:
    """A token of 8 characters of `ID_CHARACTERS` and 32 bytes that nobody can foresee."""
    return ApiToken(token_id, base64.urlsafe_b64encode(random_bytes).decode().rstrip("="))


def parse_token(text: str) -> ApiToken | None:
    """Nothing but the exact form: no blank, no padding, no second spelling of the same bytes."""
    form = _FORM.fullmatch(text)
    return ApiToken(*form.groups()) if form else None
