from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from autoretrain.domain.access import ALL_SCOPES, Caller
from autoretrain.errors import BadSetting, DependencyError
from autoretrain.identity.issuer_keys import IssuerKeys
from autoretrain.identity.web_tokens import SupabaseTokens, web_tokens
from autoretrain.ports import NotVerified, WebTokens
from tests.signers import (
    ISSUER,
    JWT_SECRET,
    PERSON,
    ec_key,
    key_set,
    public_keys,
    published,
    rsa_key,
    signed,
)


@dataclass
class FakeIssuer:
    """Serves a key set, counts who asks, and goes down when told to."""

    keys: list[Any] = field(default_factory=public_keys)
    asked: list[str] = field(default_factory=list)
    error: Exception | None = None
    time: float = 0.0

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.error is not None:
            raise self.error
        return key_set(self.keys)

    def clock(self) -> float:
        return self.time

    def verifier(self, jwt_secret: str | None = JWT_SECRET) -> SupabaseTokens:
        keys = IssuerKeys(ISSUER, self.fetch, self.clock)
        return SupabaseTokens(ISSUER, "authenticated", keys, lambda: jwt_secret)


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer()


@pytest.fixture
def verifier(issuer: FakeIssuer) -> SupabaseTokens:
    return issuer.verifier()


def part(given: Any) -> str:
    text = given if isinstance(given, bytes) else json.dumps(given).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def hs256(secret: bytes, text: str) -> str:
    """By hand: PyJWT itself refuses to sign with a public key."""
    return f"{text}.{part(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def refusal(verifier: WebTokens, text: str) -> str:
    with pytest.raises(NotVerified) as raised:
        verifier.verify(text)
    return str(raised.value)


# Who is let in


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="ES256"),
        pytest.param({"key": rsa_key(), "algorithm": "RS256", "kid": "rsa"}, id="RS256"),
        pytest.param({"key": JWT_SECRET, "algorithm": "HS256", "kid": "legacy"}, id="HS256"),
        pytest.param({"aud": ["other", "authenticated"]}, id="one of several audiences"),
        pytest.param({"role": None}, id="no role"),
        pytest.param({"exp": timedelta(seconds=-30)}, id="expired within the leeway"),
        pytest.param({"nbf": timedelta(seconds=30)}, id="not yet valid within the leeway"),
        pytest.param({"sub": str(PERSON).upper()}, id="UUID in capitals"),
    ],
)
def test_signed_in_person_is_known_with_all_scopes(
    verifier: SupabaseTokens, changes: dict[str, Any]
) -> None:
    assert verifier.verify(signed(**changes)) == Caller(PERSON, ALL_SCOPES, "jwt", "")


# Who is not


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": timedelta(seconds=-90)}, "ExpiredSignatureError"),
        ({"nbf": timedelta(seconds=90)}, "ImmatureSignatureError"),
        ({"iat": timedelta(seconds=90)}, "ImmatureSignatureError"),
        ({"aud": "anon"}, "InvalidAudienceError"),
        ({"aud": ["a", "b"]}, "InvalidAudienceError"),
        ({"aud": "authenticated "}, "InvalidAudienceError"),
        ({"iss": "https://other.supabase.co/auth/v1"}, "InvalidIssuerError"),
        ({"iss": ISSUER[:-1]}, "InvalidIssuerError"),
        ({"iss": f"{ISSUER}/"}, "InvalidIssuerError"),
        ({"exp": None}, "MissingRequiredClaimError"),
        ({"iss": None}, "MissingRequiredClaimError"),
        ({"aud": None}, "MissingRequiredClaimError"),
        ({"sub": None}, "MissingRequiredClaimError"),
        ({"exp": "soon"}, "DecodeError"),
        ({"exp": [1]}, "refused"),
        ({"exp": 1e999}, "refused"),
        ({"sub": "admin"}, "sub is not a UUID"),
        ({"sub": f"{{{PERSON}}}"}, "sub is not a UUID"),
        ({"sub": PERSON.hex}, "sub is not a UUID"),
        ({"sub": ""}, "sub is not a UUID"),
        ({"role": "anon"}, "not of a person"),
        ({"role": "service_role"}, "not of a person"),
        ({"role": ""}, "not of a person"),
        ({"role": ["authenticated"]}, "not of a person"),
    ],
)
@pytest.mark.parametrize("kind", ["ES256", "RS256", "HS256"])
def test_claims_that_do_not_hold_are_refused_whoever_signed(
    verifier: SupabaseTokens, kind: str, changes: dict[str, Any], reason: str
) -> None:
    key = {"ES256": ec_key(), "RS256": rsa_key(), "HS256": JWT_SECRET}[kind]
    kid = {"ES256": "ec", "RS256": "rsa", "HS256": "legacy"}[kind]

    assert reason in refusal(verifier, signed(key, kind, kid, **changes))


def test_web_token_without_signature_is_refused(verifier: SupabaseTokens) -> None:
    body = signed().split(".")[1]
    for alg in ("none", "None", "NONE", "", None, 0):
        for header in ({"alg": alg}, {"alg": alg, "kid": "ec"}):
            refusal(verifier, f"{part(header)}.{body}.")
            refusal(verifier, f"{part(header)}.{body}.{part(b'x')}")


def test_public_key_is_no_shared_secret(issuer: FakeIssuer) -> None:
    public = ec_key().public_key()
    body = signed().split(".")[1]
    spellings = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(issuer.keys[0]).encode(),
        b"",
    ]
    for secret in spellings:
        for kid in ("ec", "rsa", None):
            text = hs256(secret, f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{body}")
            for jwt_secret in (JWT_SECRET, None):
                refusal(issuer.verifier(jwt_secret), text)


def test_shared_secret_in_the_issuers_key_set_is_nobodys_key(issuer: FakeIssuer) -> None:
    secret = b"x" * 40
    issuer.keys = [
        {"kty": "oct", "kid": "k", "alg": alg, "k": part(secret)} for alg in ("HS256", "ES256")
    ]
    body = signed().split(".")[1]

    for alg in ("HS256", "HS512", "ES256"):
        refusal(issuer.verifier(), hs256(secret, f"{part({'alg': alg, 'kid': 'k'})}.{body}"))


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [
        pytest.param(rsa_key(), "RS256", "ec", id="RSA under the name of an EC key"),
        pytest.param(ec_key(), "ES256", "rsa", id="EC under the name of an RSA key"),
        pytest.param(rsa_key(), "RS512", "rsa", id="another RSA algorithm"),
        pytest.param(rsa_key(), "PS256", "rsa", id="another padding"),
        pytest.param(ec_key(1), "ES256", "ec", id="somebody else's key"),
        pytest.param(JWT_SECRET, "HS384", "ec", id="another HMAC"),
        pytest.param("b" * 40, "HS256", "ec", id="another secret"),
    ],
)
def test_key_verifies_with_its_own_algorithm_only(
    verifier: SupabaseTokens, key: Any, algorithm: str, kid: str
) -> None:
    assert "refused" in refusal(verifier, signed(key, algorithm, kid))


def test_shared_secret_is_asked_for_only_where_there_is_one(issuer: FakeIssuer) -> None:
    assert "has no jwt_secret" in refusal(
        issuer.verifier(None), signed(JWT_SECRET, "HS256", "legacy")
    )
    assert issuer.asked == []


def test_shared_secret_that_anybody_could_guess_is_the_operators_to_mend(
    issuer: FakeIssuer,
) -> None:
    with pytest.raises(BadSetting, match="32 bytes"):
        issuer.verifier("s" * 31).verify(signed(JWT_SECRET, "HS256", "legacy"))


@pytest.mark.parametrize(
    "text",
    [
        "..",
        "a.b.c",
        f"{part({})}.{part({})}.",
        f"{part([])}.{part([])}.",
        f"{part(b'null')}.{part(b'null')}.x",
        f"{part(b'{')}.{part({})}.x",
        f"{part({'alg': ['ES256'], 'kid': 'ec'})}.{part({})}.x",
        f"{part({'alg': {}, 'kid': 'ec'})}.{part({})}.x",
        f"{part({'alg': 'ES256', 'kid': ['ec']})}.{part({})}.x",
        f"{part({'alg': 'ES256', 'kid': 7})}.{part({})}.x",
        f"{part({'alg': 'ES256'})}.{part({})}.x",
        f"{part({'alg': 'ES256', 'kid': 'ec', 'crit': ['x'], 'x': 1})}.{part({})}.x",
        f"{part({'alg': 'ES256', 'kid': 'ec', 'b64': False})}.{part({})}.x",
        f"{part(b'[' * 5000)}.{part({})}.x",
        f"{part(b'{' + b'1' * 5000)}.{part({})}.x",
        f"{part(b'{' + bytes([255]) + b'}')}.{part({})}.x",
        "é.é.é",
        "A" * 9000 + "..",
    ],
)
def test_garbage_is_refused(verifier: SupabaseTokens, text: str) -> None:
    refusal(verifier, text)


@given(st.text(max_size=40), st.text(max_size=40), st.binary(max_size=40))
def test_no_text_breaks_the_verifier(head: str, body: str, tail: bytes) -> None:
    verifier = FakeIssuer().verifier()

    for text in (f"{head}.{body}.{part(tail)}", f"{signed()[:-1]}{head}", f"{part(head)}.{body}.x"):
        refusal(verifier, text)


def test_one_changed_character_is_refused(verifier: SupabaseTokens) -> None:
    head, body, tail = signed().split(".")
    forged = part(json.loads(base64.urlsafe_b64decode(body + "==")) | {"sub": str(PERSON)[::-1]})

    assert "InvalidSignatureError" in refusal(verifier, f"{head}.{forged}.{tail}")


def test_refusal_repeats_nothing_of_what_was_sent(verifier: SupabaseTokens) -> None:
    body = signed().split(".")[1]
    told = [
        refusal(verifier, f"{part({'alg': 'hunter2', 'kid': 'hunter2'})}.{body}.x"),
        refusal(verifier, f"{part({'alg': 'hunter2', 'kid': 'ec'})}.{body}.x"),
        refusal(verifier, signed(iss="hunter2")),
        refusal(verifier, signed(sub="hunter2")),
        refusal(verifier, signed(role="hunter2")),
    ]

    assert not any("hunter2" in reason for reason in told)


# The issuer's keys


def test_keys_are_fetched_once_for_five_minutes(issuer: FakeIssuer) -> None:
    verifier = issuer.verifier()

    for issuer.time in (0, 1, 299):
        verifier.verify(signed())
        verifier.verify(signed(rsa_key(), "RS256", "rsa"))
    assert issuer.asked == [f"{ISSUER}/.well-known/jwks.json"]

    issuer.time = 300
    verifier.verify(signed())
    assert len(issuer.asked) == 2


def test_key_that_the_issuer_has_withdrawn_is_refused_five_minutes_later(
    issuer: FakeIssuer,
) -> None:
    verifier = issuer.verifier()
    verifier.verify(signed())
    issuer.keys = [published(ec_key(1), "new")]

    issuer.time = 300
    assert "does not have" in refusal(verifier, signed())
    assert verifier.verify(signed(ec_key(1), kid="new"))


def test_stranger_with_any_number_of_key_names_costs_the_issuer_one_question_in_30_seconds(
    issuer: FakeIssuer,
) -> None:
    verifier = issuer.verifier()

    for n in range(300):
        issuer.time = n / 10
        assert "does not have" in refusal(verifier, signed(kid=f"k{n}"))
        verifier.verify(signed())
    assert len(issuer.asked) == 1

    issuer.time = 30
    refusal(verifier, signed(kid="k"))
    assert len(issuer.asked) == 2


def test_new_key_is_found_at_once(issuer: FakeIssuer) -> None:
    verifier = issuer.verifier()
    verifier.verify(signed())
    issuer.keys.append(published(ec_key(1), "new"))

    issuer.time = 31

    assert verifier.verify(signed(ec_key(1), kid="new"))


@pytest.mark.parametrize("error", [OSError("down"), TimeoutError("slow"), ValueError("not JSON")])
def test_issuer_that_is_down_refuses_nobody(issuer: FakeIssuer, error: Exception) -> None:
    verifier = issuer.verifier()
    issuer.error = error

    for issuer.time in (0, 1, 29):
        with pytest.raises(DependencyError, match="does not give the keys"):
            verifier.verify(signed())
    assert len(issuer.asked) == 1

    issuer.time, issuer.error = 30, None
    assert verifier.verify(signed())
    assert "does not have" in refusal(verifier, signed(kid="unknown"))


def test_known_key_outlives_an_outage_of_its_issuer(issuer: FakeIssuer) -> None:
    verifier = issuer.verifier()
    verifier.verify(signed())
    issuer.error = OSError("down")

    for issuer.time in (300, 310, 4000):
        assert verifier.verify(signed())
        with pytest.raises(DependencyError):
            verifier.verify(signed(kid="unknown"))
    assert len(issuer.asked) == 3


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys": 1}', b"<html>", b"\xff"])
def test_answer_that_is_no_key_set_is_an_outage(content: bytes) -> None:
    keys = IssuerKeys(ISSUER, lambda _: content)

    with pytest.raises(DependencyError):
        keys.find("ec")


def test_keys_that_are_of_no_use_are_passed_over() -> None:
    odd = [
        None,
        7,
        {},
        {"kty": ["EC"], "crv": {}, "kid": "odd"},
        {"kty": "EC", "crv": "P-256", "kid": "odd", "x": "!", "y": "!"},
        {"kty": "RSA", "kid": "odd"},
        {"kty": "oct", "kid": "shared secret", "k": part(b"x" * 40)},
        published(ec.generate_private_key(ec.SECP384R1()), "P-384"),
        published(ec_key(), "another algorithm", alg="ES384"),
        published(rsa_key(), "for encryption", use="enc"),
        published(rsa_key(), "RSA with another algorithm", alg="RS512"),
    ]
    nameless = published(ec_key(), "")
    keys = IssuerKeys(ISSUER, lambda _: key_set([*odd, nameless, *public_keys()]))

    for name in ("odd", "shared secret", "P-384", "another algorithm", "for encryption", ""):
        assert keys.find(name) is None
    assert keys.find("RSA with another algorithm") is None
    assert keys.find("ec") is not None


def test_rsa_key_too_short_to_trust_verifies_nothing(issuer: FakeIssuer) -> None:
    short = rsa_key(1024)
    issuer.keys = [published(short, "short")]
    body = signed().split(".")[1]
    head = part({"alg": "RS256", "kid": "short"})
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        f"{head}.{body}".encode(), short
    )

    assert "InvalidKeyError" in refusal(issuer.verifier(), f"{head}.{body}.{part(signature)}")


@pytest.mark.parametrize(
    "address",
    [
        "http://project.supabase.co/auth/v1",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "file://localhost/etc/keys",
        "ftp://127.0.0.1/x",
        "project.supabase.co",
        "https://",
    ],
)
def test_issuer_that_others_could_speak_for_is_refused(address: str) -> None:
    with pytest.raises(BadSetting, match="JWT_ISSUER must be an https address"):
        web_tokens(address, None, lambda: None)


# What is set


def test_without_an_issuer_nobody_is_known() -> None:
    verifier = web_tokens(None, None, lambda: None)

    assert "JWT_ISSUER is not set" in refusal(verifier, signed())


def test_shared_secret_without_an_issuer_is_the_operators_to_mend() -> None:
    with pytest.raises(BadSetting, match="JWT_ISSUER is not set: set it"):
        web_tokens(None, None, lambda: JWT_SECRET).verify(signed(JWT_SECRET, "HS256"))


def test_audience_is_supabases_unless_another_is_set(issuer: FakeIssuer) -> None:
    usual = web_tokens(ISSUER, None, lambda: None, issuer.fetch)
    other = web_tokens(ISSUER, "bots", lambda: None, issuer.fetch)

    assert usual.verify(signed())
    assert other.verify(signed(aud="bots"))
    refusal(usual, signed(aud="bots"))
    refusal(other, signed())
