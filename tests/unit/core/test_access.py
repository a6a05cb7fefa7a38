from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoretrain.domain.access import (
    ALL_SCOPES,
    ID_CHARACTERS,
    ApiToken,
    Caller,
    KnownToken,
    Scope,
    TokenRow,
    make_token,
    parse_token,
)
from autoretrain.errors import Conflict, DatabaseUnavailable, Invalid, MissingScope, Unknown
from autoretrain.ports import NotVerified
from autoretrain.services.access import MAX_HEADER_LENGTH, Authorizer, Refusal
from autoretrain.services.tokens import Tokens

USER = UUID(int=7)
TOKEN = make_token("abcdefgh", bytes(range(32)))
WEB_TOKEN = "eyJhbGciOiJub25lIn0.e30.c2ln"
PERSON = Caller(USER, ALL_SCOPES, "jwt")


@dataclass
class FakeTokens:
    """Tokens in memory; `full` is the user at the limit."""

    known: dict[str, KnownToken] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    asked: int = 0
    down: bool = False
    full: bool = False

    def find(self, token_id: str) -> KnownToken | None:
        self.asked += 1
        if self.down:
            raise DatabaseUnavailable
        return self.known.get(token_id)

    def note_use(self, token_id: str) -> None:
        self.used.append(token_id)

    def add(
        self,
        token: ApiToken,
        user_id: UUID,
        name: str,
        scopes: object,
        lifetime: timedelta | None,
        limit: int,
    ) -> TokenRow | None:
        if self.full:
            return None
        names = [str(scope) for scope in scopes]  # type: ignore[attr-defined]
        self.known[token.id] = KnownToken(token.id, token.sha256, user_id, names, False, False)
        now = datetime(2026, 3, 2, tzinfo=UTC)
        return TokenRow(
            token.id, name, names, now, now + lifetime if lifetime else None, None, None
        )

    def of_user(self, user_id: UUID) -> list[TokenRow]:
        return []

    def revoke(self, user_id: UUID, token_id: str) -> bool:
        return token_id in self.known


class OnePerson:
    """Knows one web token."""

    def verify(self, text: str) -> Caller:
        if text != WEB_TOKEN:
            raise NotVerified("expired")
        return PERSON


def not_needed() -> NoReturn:
    raise AssertionError("loaded what only web tokens need")


@pytest.fixture
def tokens() -> FakeTokens:
    known = KnownToken(TOKEN.id, TOKEN.sha256, USER, ["read"], revoked=False, expired=False)
    return FakeTokens({TOKEN.id: known})


@pytest.fixture
def refused() -> list[Refusal]:
    return []


@pytest.fixture
def authorizer(tokens: FakeTokens, refused: list[Refusal]) -> Authorizer:
    return Authorizer(tokens, OnePerson, refused.append)


# The token's form


@given(st.text(ID_CHARACTERS, min_size=8, max_size=8), st.binary(min_size=32, max_size=32))
def test_token_is_read_as_it_was_made(token_id: str, random_bytes: bytes) -> None:
    made = make_token(token_id, random_bytes)

    assert parse_token(made.text) == made
    assert len(made.text) == len("arp_") + 8 + len("_") + 43
    assert base64.urlsafe_b64decode(made.secret + "=") == random_bytes


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(TOKEN.text + "=", id="padding"),
        pytest.param(TOKEN.text + "\n", id="line end"),
        pytest.param(" " + TOKEN.text, id="blank before"),
        pytest.param(TOKEN.text[:-1], id="short"),
        pytest.param(TOKEN.text + "A", id="long"),
        pytest.param(TOKEN.text.replace("arp_", "ARP_"), id="prefix in capitals"),
        pytest.param(TOKEN.text.replace("abcdefgh", "ABCDEFGH"), id="id in capitals"),
        pytest.param(TOKEN.text.replace("abcdefgh", "abcdefg"), id="short id"),
        pytest.param(TOKEN.text.replace("abcdefgh", "abcdefgé"), id="not ASCII"),
        pytest.param(TOKEN.text[:-1] + chr(ord(TOKEN.text[-1]) + 1), id="same bytes, other text"),
        pytest.param(TOKEN.text[:-2] + "+/", id="base64, not base64url"),
        pytest.param(TOKEN.text[:-1] + "\N{ARABIC-INDIC DIGIT FOUR}", id="foreign digit"),
    ],
)
def test_token_of_any_other_form_is_none(text: str) -> None:
    assert parse_token(text) is None


def test_token_shows_its_secret_only_when_asked_for_its_text() -> None:
    assert TOKEN.secret not in repr(TOKEN)
    assert TOKEN.secret in TOKEN.text


def test_token_matches_the_hash_of_its_own_secret_only() -> None:
    other = make_token(TOKEN.id, bytes(32))

    assert TOKEN.matches(TOKEN.sha256)
    assert not other.matches(TOKEN.sha256)
    assert not TOKEN.matches("")


# Who a caller is


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
def test_bearer_has_no_case(authorizer: Authorizer, tokens: FakeTokens, scheme: str) -> None:
    caller = authorizer.authorize(scheme + TOKEN.text)

    assert caller == Caller(USER, frozenset({Scope.READ}), "token", TOKEN.id)
    assert tokens.used == [TOKEN.id]


def test_web_token_is_for_the_one_who_knows_them(
    authorizer: Authorizer, tokens: FakeTokens, refused: list[Refusal]
) -> None:
    assert authorizer.authorize(f"Bearer {WEB_TOKEN}") == PERSON
    assert authorizer.authorize(f"Bearer {WEB_TOKEN}x") is None
    assert refused == [Refusal("expired")]
    assert tokens.asked == 0


def test_nothing_for_web_tokens_is_loaded_for_an_api_token(tokens: FakeTokens) -> None:
    assert Authorizer(tokens, not_needed, print).authorize(f"Bearer {TOKEN.text}") is not None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f" Bearer {TOKEN.text}",
        f"Bearer {TOKEN.text} ",
        f"Bearer\t{TOKEN.text}",
        f"Bearer{TOKEN.text}",
        f"Basic {TOKEN.text}",
        f"Token {TOKEN.text}",
        TOKEN.text,
        f"Bearer {TOKEN.text}, Bearer {TOKEN.text}",
        f"Bearer {TOKEN.text}\r\nX-Other: 1",
        f"Bearer {TOKEN.text}=",
        "Bearer ....",
        "Bearer arp_",
        "Bearer é",
        "Bearer \x00",
    ],
)
def test_any_other_header_is_refused_without_a_question_to_the_database(
    authorizer: Authorizer, tokens: FakeTokens, refused: list[Refusal], header: str
) -> None:
    assert authorizer.authorize(header) is None
    assert len(refused) == 1
    assert tokens.asked == 0


def test_header_longer_than_any_gateway_passes_is_refused_unread(
    tokens: FakeTokens, refused: list[Refusal]
) -> None:
    authorizer = Authorizer(tokens, not_needed, refused.append)

    assert authorizer.authorize("Bearer " + "a." * 50_000 + "a") is None
    assert authorizer.authorize(f"Bearer {'a' * MAX_HEADER_LENGTH}.b.c") is None
    assert refused == [Refusal("the header is too long")] * 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"secret_sha256": "0" * 64}, "wrong secret"),
        ({"revoked": True}, "revoked"),
        ({"expired": True}, "expired"),
        (None, "unknown token"),
    ],
)
def test_token_that_opens_nothing_is_refused_with_the_reason(
    authorizer: Authorizer,
    tokens: FakeTokens,
    refused: list[Refusal],
    change: dict[str, object] | None,
    reason: str,
) -> None:
    if change is None:
        tokens.known.clear()
    else:
        tokens.known[TOKEN.id] = tokens.known[TOKEN.id]._replace(**change)  # type: ignore[arg-type]

    assert authorizer.authorize(f"Bearer {TOKEN.text}") is None
    assert refused == [Refusal(reason, TOKEN.id)]
    assert tokens.used == []


def test_outage_is_never_a_refusal(
    authorizer: Authorizer, tokens: FakeTokens, refused: list[Refusal]
) -> None:
    tokens.down = True

    with pytest.raises(DatabaseUnavailable):
        authorizer.authorize(f"Bearer {TOKEN.text}")
    assert refused == []


@given(st.text())
def test_no_text_breaks_the_authorizer(text: str) -> None:
    authorizer = Authorizer(FakeTokens(), OnePerson, lambda _: None)

    assert authorizer.authorize(text) is None
    assert authorizer.authorize(f"Bearer {text}") is None


# Tokens of a user


def test_new_token_has_all_that_its_maker_has_unless_told_otherwise() -> None:
    granting = frozenset({Scope.MANAGE, Scope.READ})
    tokens = Tokens(FakeTokens())

    assert tokens.create(USER, "bot", None, None, granting).row.scopes == ["read", "manage"]
    assert tokens.create(USER, "bot", [Scope.READ], None, granting).row.scopes == ["read"]


def test_new_token_never_has_more_than_its_maker() -> None:
    with pytest.raises(MissingScope, match="scope retrain"):
        Tokens(FakeTokens()).create(
            USER, "bot", [Scope.READ, Scope.RETRAIN], None, frozenset({Scope.READ, Scope.MANAGE})
        )


def test_no_two_tokens_are_alike_and_each_is_shown_whole() -> None:
    books = FakeTokens()
    tokens = Tokens(books)

    made = [tokens.create(USER, "bot", None, None, ALL_SCOPES) for _ in range(50)]

    parsed = [parse_token(one.token) for one in made]
    assert len({token.secret for token in parsed if token}) == 50
    for one, token in zip(made, parsed, strict=True):
        assert token is not None
        assert token.id == one.row.id
        assert token.matches(books.known[token.id].secret_sha256)
        assert token.secret not in str(one.row)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"lifetime": timedelta(0)}, "expires_in_days"),
        ({"lifetime": timedelta(days=-1)}, "expires_in_days"),
        ({"lifetime": timedelta(days=3651)}, "expires_in_days"),
    ],
)
def test_odd_wish_is_refused_naming_the_field(wish: dict[str, object], field: str) -> None:
    values: dict[str, object] = {"name": "bot", "scopes": None, "lifetime": None} | wish

    with pytest.raises(Invalid, match=rf"^{field}: must "):
        Tokens(FakeTokens()).create(USER, granting=ALL_SCOPES, **values)  # type: ignore[arg-type]


def test_limit_of_live_tokens_says_what_to_do() -> None:
    with pytest.raises(Conflict, match="revoke one") as raised:
        Tokens(FakeTokens(full=True)).create(USER, "bot", None, None, ALL_SCOPES)
    assert raised.value.code == "too_many_tokens"


def test_revoking_a_token_that_is_not_there_is_told() -> None:
    with pytest.raises(Unknown) as raised:
        Tokens(FakeTokens()).revoke(USER, "abcdefgh")
    assert raised.value.code == "unknown_token"
