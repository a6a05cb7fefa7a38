"""Verifies the web tokens (JWT) that Supabase gives to people who sign in.

Slow to import: only a process that has been shown a web token does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn
from uuid import UUID

import jwt
from jwt.exceptions import PyJWTError

from autoretrain.domain.access import ALL_SCOPES, Caller
from autoretrain.errors import BadSetting
from autoretrain.identity.issuer_keys import Fetch, IssuerKeys, fetch
from autoretrain.ports import NotVerified, WebTokens

DEFAULT_AUDIENCE = ROLE = "authenticated"
LEEWAY_SECONDS = 60
MIN_SECRET_BYTES = 32  # RFC 7518, section 3.2

JwtSecret = Callable[[], str | None]


def web_tokens(
    issuer: str | None, audience: str | None, jwt_secret: JwtSecret, fetch: Fetch = fetch
) -> WebTokens:
    """Raises BadSetting for an issuer that cannot be used."""
    if issuer is None:
        return NoWebTokens(jwt_secret)
    keys = IssuerKeys(issuer, fetch)
    return SupabaseTokens(issuer, audience or DEFAULT_AUDIENCE, keys, jwt_secret)


class NoWebTokens:
    """Without JWT_ISSUER nobody is known by a web token."""

    def __init__(self, jwt_secret: JwtSecret) -> None:
        self._jwt_secret = jwt_secret

    def verify(self, text: str) -> NoReturn:  # noqa: ARG002
        """Raises NotVerified; BadSetting where a jwt_secret says that web tokens are expected."""
        if self._jwt_secret() is not None:
            raise BadSetting(
                "the database secret has a jwt_secret, but JWT_ISSUER is not set: set it to whose"
                " web tokens are taken, such as https://<project>.supabase.co/auth/v1"
            )
        raise NotVerified("a web token, and JWT_ISSUER is not set")


class SupabaseTokens:
    """See `ports.WebTokens`.

    `keys` verify ES256 and RS256. `jwt_secret` gives the shared secret that verifies HS256, None
    where the project has none.
    """

    def __init__(self, issuer: str, audience: str, keys: IssuerKeys, jwt_secret: JwtSecret) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._jwt_secret = jwt_secret

    def verify(self, text: str) -> Caller:
        """Raises NotVerified, DependencyError, and BadSetting for a shared secret too short."""
        try:
            claims = self._claims(text)
        except PyJWTError as exc:
            # Its message may repeat what a stranger has sent.
            raise NotVerified(f"the web token is refused: {type(exc).__name__}") from exc
        if claims.get("role", ROLE) != ROLE:
            raise NotVerified("the web token is not of a person who is signed in")
        return Caller(_user_id(claims["sub"]), ALL_SCOPES, "jwt")

    def _claims(self, text: str) -> dict[str, Any]:
        key, algorithm = self._pinned(jwt.get_unverified_header(text))
        claims: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=[algorithm],
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_SECONDS,
            options={
                "require": ["exp", "iss", "aud", "sub"],
                "enforce_minimum_key_length": True,
            },
        )
        return claims

    def _pinned(self, header: dict[str, Any]) -> tuple[jwt.PyJWK | str, str]:
        """The key that the header names, and the one algorithm that this key may be used with."""
        if header.get("alg") == "HS256":
            return self._shared_secret(), "HS256"
        if header.get("alg") not in ("ES256", "RS256"):
            raise NotVerified("the web token is refused: Supabase does not sign like this")
        key = self._keys.find(header.get("kid", ""))
        if key is None:
            raise NotVerified("the web token is signed with a key that JWT_ISSUER does not have")
        return key, key.algorithm_name

    def _shared_secret(self) -> str:
        secret = self._jwt_secret()
        if secret is None:
            raise NotVerified("the web token is HS256, and the database secret has no jwt_secret")
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise BadSetting(
                f"jwt_secret is shorter than {MIN_SECRET_BYTES} bytes: anybody guesses it"
            )
        return secret


def _user_id(subject: str) -> UUID:
    try:
        user_id = UUID(subject)
    except ValueError:
        user_id = None
    if user_id is None or str(user_id) != subject.lower():
        raise NotVerified("the web token's sub is not a UUID")
    return user_id
