"""The public keys of whoever signs the web tokens: fetched seldom, whatever key is asked for."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from autoretrain.errors import BadSetting, DependencyError

FRESH_SECONDS = 300.0
# Anybody may name a key that does not exist: the issuer must not feel it.
PAUSE_SECONDS = 30.0
TIMEOUT_SECONDS = 3.0
MAX_BYTES = 1 << 18

_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}

Fetch = Callable[[str], bytes]


class IssuerKeys:
    """Finds a key by its id in `<issuer>/.well-known/jwks.json`."""

    def __init__(
        self, issuer: str, fetch: Fetch, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises BadSetting for an issuer that anybody on the way could speak for."""
        _check(issuer)
        self._url = f"{issuer.rstrip('/')}/.well-known/jwks.json"
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._failure: Exception | None = None

    def find(self, key_id: str) -> PyJWK | None:
        """None where the issuer has no such key.

        Raises DependencyError where the issuer does not answer and no known key fits.
        """
        now = self._clock()
        is_fresh = key_id in self._keys and now - self._fetched_at < FRESH_SECONDS
        if not is_fresh and now - self._tried_at >= PAUSE_SECONDS:
            self._refresh(now)
        found = self._keys.get(key_id)
        if found is None and self._failure is not None:
            raise DependencyError(f"{self._url} does not give the keys") from self._failure
        return found

    def _refresh(self, now: float) -> None:
        """A failure leaves the keys as they were."""
        self._tried_at, self._failure = now, None
        try:
            self._keys = _parsed(self._fetch(self._url))
        except (OSError, HTTPException, ValueError) as exc:
            self._failure = exc
        else:
            self._fetched_at = now


def fetch(url: str) -> bytes:
    """Raises OSError, also for a redirection: keys come from the issuer or from nobody."""
    opener = urllib.request.build_opener(_NoRedirection)
    with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
        content: bytes = answer.read(MAX_BYTES)
    return content


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _check(issuer: str) -> None:
    parts = urlsplit(issuer)
    if parts.scheme == "http" and parts.hostname in _THIS_MACHINE:
        return
    if parts.scheme != "https" or not parts.hostname:
        raise BadSetting(
            "JWT_ISSUER must be an https address, such as https://<project>.supabase.co/auth/v1"
        )


def _parsed(content: bytes) -> dict[str, PyJWK]:
    """The keys that may verify. Raises ValueError for what is not a key set."""
    given = json.loads(content)
    match given:
        case {"keys": list(described)}:
            found = [_key(one) for one in described]
            return {str(key.key_id): key for key in found if key is not None and key.key_id}
    raise ValueError("not a key set")


def _key(described: Any) -> PyJWK | None:
    """None for what is no key, or one of another kind or use."""
    algorithm = _algorithm(described)
    if algorithm is None or described.get("alg", algorithm) != algorithm:
        return None
    if described.get("use", "sig") != "sig":
        return None
    try:
        return PyJWK(described, algorithm)
    except PyJWTError:
        return None


def _algorithm(described: Any) -> str | None:
    """What the kind of key may sign with. Shared secrets are no kind of ours: nobody signs with a
    public key and calls it HS256."""
    match described:
        case {"kty": "EC", "crv": "P-256"}:
            return "ES256"
        case {"kty": "RSA"}:
            return "RS256"
    return None
