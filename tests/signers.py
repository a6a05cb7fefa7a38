"""Whoever signs web tokens in a test: real keys, made for the test run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://project.supabase.co/auth/v1"
PERSON = UUID("0e3f2a6c-4a55-4e0e-9d9c-6f6d2d1f7b10")
JWT_SECRET = "a shared secret " * 4


@cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a person who has just signed in; None leaves a claim out, and a timedelta is that
    long from now."""
    now = datetime.now(UTC)
    given = {
        "iss": ISSUER,
        "aud": "authenticated",
        "sub": str(PERSON),
        "exp": now + timedelta(hours=1),
        "iat": now,
        "role": "authenticated",
    }
    return {
        name: now + value if isinstance(value, timedelta) else value
        for name, value in (given | changes).items()
        if value is not None
    }


def signed(key: Any = None, algorithm: str = "ES256", kid: Any = "ec", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key or ec_key(), algorithm, headers={"kid": kid})


def public_keys() -> list[dict[str, Any]]:
    return [published(ec_key(), "ec"), published(rsa_key(), "rsa")]


def published(key: Any, kid: str, **changes: Any) -> dict[str, Any]:
    """The public half as a JSON Web Key."""
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return algorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid} | changes


def key_set(keys: list[Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()
