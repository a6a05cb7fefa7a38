"""Web tokens and headers of somebody who wants in."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import strategies as st

from tests.faults.fuzz import json_values
from tests.signers import JWT_SECRET, claims, ec_key, rsa_key, signed
from tests.world import USER


def forged(issuer: str) -> dict[str, str]:
    """Web tokens of somebody who knows all that is public, and how others were fooled."""
    pem = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    person = claims(sub=str(USER), iss=issuer)
    by_secret = partial(signed, JWT_SECRET, "HS256", "legacy")
    mine = {"iss": issuer, "sub": str(USER)}
    head, body, signature = by_secret(**mine).split(".")
    other = by_secret(iss=issuer).split(".")[1]
    return {
        **{f"alg {name}": _unsigned({"alg": name}, person) for name in ("none", "None", "NONE")},
        "no alg": _unsigned({}, person),
        "HS256 with the public key": _by_hand(pem, {"alg": "HS256", "kid": "rsa"}, person),
        "the known key's name": signed(rsa_key(3072), "RS256", "rsa", **mine),
        "the key for another algorithm": signed(rsa_key(), "RS256", "ec", **mine),
        "an unknown key": signed(ec_key(7), "ES256", "ec7", **mine),
        "a key brought along": _unsigned({"alg": "RS256", "jwk": {"kty": "RSA"}}, person),
        "a key from elsewhere": _unsigned({"alg": "RS256", "jku": "https://evil.test/k"}, person),
        "a key file": _by_hand(b"", {"alg": "HS256", "kid": "../../../../dev/null"}, person),
        "another secret": signed("x" * 40, "HS256", "legacy", **mine),
        "another person under a signature": f"{head}.{other}.{signature}",
        "no signature": f"{head}.{body}.",
        "expired": by_secret(**mine, exp=timedelta(hours=-1)),
        "no end": by_secret(**mine, exp=None),
        "not yet": by_secret(**mine, nbf=timedelta(hours=1)),
        "another audience": by_secret(**mine, aud="anon"),
        "another issuer": by_secret(sub=str(USER), iss="https://evil.test/auth/v1"),
        "the service itself": by_secret(**mine, role="service_role"),
        "nobody": by_secret(iss=issuer, sub=None),
        "SQL for a person": by_secret(iss=issuer, sub="' OR 1=1--"),
    }


def _unsigned(header: dict[str, Any], told: dict[str, Any]) -> str:
    return f"{_unproved(header, told)}.{_encoded(bytes(16))}"


def _by_hand(key: bytes, header: dict[str, Any], told: dict[str, Any]) -> str:
    """No library would sign like this."""
    unproved = _unproved(header, told)
    return f"{unproved}.{_encoded(hmac.digest(key, unproved.encode(), 'sha256'))}"


def _unproved(header: dict[str, Any], told: dict[str, Any]) -> str:
    parts = [json.dumps(part, default=lambda at: int(at.timestamp())) for part in (header, told)]
    return ".".join(_encoded(part.encode()) for part in parts)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@st.composite
def near(draw: st.DrawFn, text: str) -> str:
    """The text with some of its characters replaced, missing, or others between them."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        new = draw(st.sampled_from(["", "A", "_", ".", " ", "\0", "é", "=", "Bearer ", "a" * 300]))
        text = text[:at] + new + text[at + draw(st.integers(0, 2)) :]
    return text


def web_tokens() -> st.SearchStrategy[str]:
    headers = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jku"]), json_values)
    names = st.sampled_from(["sub", "exp", "iss", "aud", "role", "nbf"])
    made = st.builds(_unsigned, headers, st.dictionaries(names, json_values))
    return made.map("Bearer {}".format)
