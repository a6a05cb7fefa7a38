from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import NoReturn
from uuid import UUID

import psycopg2
import pytest

from autoretrain.domain.access import ALL_SCOPES, Caller, Scope, parse_token
from autoretrain.errors import Conflict, Unknown
from autoretrain.services.access import Authorizer, Refusal
from autoretrain.services.tokens import MAX_LIVE_TOKENS, CreatedToken, Tokens
from autoretrain.storage.tokens import TokenBooks
from autoretrain_local import first_token
from tests.storage.conftest import Stack
from tests.world import USER, World

STRANGER = UUID(int=5)
FULL = "100 tokens are live: revoke one that is not used any more"


def no_web_tokens() -> NoReturn:
    raise AssertionError("nobody has shown a web token")


def caller(stack: Stack, token: str, told: Callable[[Refusal], None]) -> Caller | None:
    authorizer = Authorizer(TokenBooks(stack.database()), no_web_tokens, told)
    return authorizer.authorize(f"Bearer {token}")


def refusals(stack: Stack, token: str) -> list[Refusal]:
    """Empty where the token is let in."""
    told: list[Refusal] = []
    known = caller(stack, token, told.append)
    assert (known is None) == bool(told)
    return told


def tokens(stack: Stack) -> Tokens:
    return Tokens(TokenBooks(stack.database()))


def created(
    stack: Stack, name: str = "bot", lifetime: timedelta | None = None, user_id: UUID = USER
) -> CreatedToken:
    return tokens(stack).create(user_id, name, None, lifetime, ALL_SCOPES)


def test_token_lets_its_user_in_with_its_scopes(own: Stack) -> None:
    made = tokens(own).create(USER, "bot", [Scope.RETRAIN, Scope.READ], None, ALL_SCOPES)

    known = caller(own, made.token, print)

    assert known == Caller(USER, frozenset({Scope.READ, Scope.RETRAIN}), "token", made.row.id)
    assert made.row.scopes == ["read", "retrain"]


def test_database_never_holds_the_secret(own: Stack) -> None:
    made = created(own)

    stored = own.world.one("SELECT t::text AS whole FROM autoretrain.api_tokens t").whole

    token = parse_token(made.token)
    assert token is not None
    assert token.sha256 in stored
    assert token.secret not in stored


def test_listed_are_the_callers_own_newest_first_the_dead_ones_too(own: Stack) -> None:
    created(own, "strangers", user_id=STRANGER)
    oldest, expired, newest = (created(own, name) for name in ("oldest", "expired", "newest"))
    own.world.run(
        "UPDATE autoretrain.api_tokens SET created_at = now() - interval '2 h',"
        " expires_at = now() - interval '1 h' WHERE name = 'expired'"
    )
    own.world.run(
        "UPDATE autoretrain.api_tokens SET created_at = '2026-01-01Z' WHERE id = %s", oldest.row.id
    )
    tokens(own).revoke(USER, newest.row.id)

    listed = tokens(own).list(USER)

    assert [row.id for row in listed] == [newest.row.id, expired.row.id, oldest.row.id]
    assert [row.revoked_at is None for row in listed] == [False, True, True]


def test_revoked_token_lets_nobody_in_and_keeps_its_first_time(own: Stack) -> None:
    made = created(own)

    tokens(own).revoke(USER, made.row.id)
    (revoked,) = tokens(own).list(USER)
    tokens(own).revoke(USER, made.row.id)

    assert tokens(own).list(USER) == [revoked]
    assert refusals(own, made.token) == [Refusal("revoked", made.row.id)]


def test_token_of_somebody_else_is_as_unknown_as_none(own: Stack) -> None:
    made = created(own)

    for token_id in (made.row.id, "00000000"):
        with pytest.raises(Unknown, match="no such token"):
            tokens(own).revoke(STRANGER, token_id)

    assert refusals(own, made.token) == []


def test_token_ends_with_its_lifetime(own: Stack) -> None:
    made = created(own, lifetime=timedelta(days=30))
    assert made.row.expires_at == made.row.created_at + timedelta(days=30)
    assert refusals(own, made.token) == []

    own.world.run(
        "UPDATE autoretrain.api_tokens SET created_at = created_at - interval '31 days',"
        " expires_at = expires_at - interval '30 days'"
    )

    assert refusals(own, made.token) == [Refusal("expired", made.row.id)]


def test_secret_of_another_token_does_not_open(own: Stack) -> None:
    one, other = created(own), created(own)

    mixed = f"arp_{one.row.id}_{other.token.split('_', 2)[2]}"

    assert refusals(own, mixed) == [Refusal("wrong secret", one.row.id)]
    used = own.world.one("SELECT max(last_used_at) AS at FROM autoretrain.api_tokens")
    assert used.at is None


def test_use_is_noted_at_most_once_a_minute(own: Stack) -> None:
    made = created(own)
    age = "UPDATE autoretrain.api_tokens SET last_used_at = last_used_at - %s::interval"

    def noted() -> object:
        refusals(own, made.token)
        return own.world.one("SELECT last_used_at FROM autoretrain.api_tokens").last_used_at

    first = noted()
    assert first is not None
    assert noted() == first
    own.world.run(age, "61 s")
    assert noted() > first  # type: ignore[operator]


def test_hundred_live_tokens_are_the_limit_however_many_ask_at_once(own: Stack) -> None:
    made = created(own)
    own.world.run(
        "INSERT INTO autoretrain.api_tokens (id, secret_sha256, user_id, name, scopes)"
        " SELECT lpad(n::text, 8, '0'), secret_sha256, user_id, name, scopes"
        " FROM autoretrain.api_tokens, generate_series(1, %s) n",
        MAX_LIVE_TOKENS - 3,
    )

    ready = Barrier(6)

    def attempt(keeper: Tokens) -> str:
        keeper.list(USER)  # its connection is open
        ready.wait()
        try:
            return keeper.create(USER, "bot", None, None, ALL_SCOPES).row.id
        except Conflict as exc:
            return str(exc)

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(attempt, [tokens(own) for _ in range(6)]))
    assert answers.count(FULL) == 4

    tokens(own).revoke(USER, made.row.id)
    assert created(own)
    with pytest.raises(Conflict):
        created(own)
    assert created(own, user_id=STRANGER)


def test_first_token_is_made_straight_on_the_database(own: Stack) -> None:
    token = first_token.create(own.url, USER, "first", [Scope.READ], timedelta(days=1))

    (row,) = tokens(own).list(USER)
    assert (row.name, row.scopes) == ("first", ["read"])
    assert refusals(own, token) == []


FORBIDDEN = [
    ("autoretrain_api", "DELETE FROM autoretrain.api_tokens"),
    ("autoretrain_api", "UPDATE autoretrain.api_tokens SET user_id = gen_random_uuid()"),
    ("autoretrain_api", "UPDATE autoretrain.api_tokens SET scopes = '{manage}'"),
    ("autoretrain_api", "UPDATE autoretrain.api_tokens SET secret_sha256 = ''"),
    ("autoretrain_api", "UPDATE autoretrain.api_tokens SET expires_at = NULL"),
    ("autoretrain_trainer", "SELECT FROM autoretrain.api_tokens"),
    ("autoretrain_trainer", "INSERT INTO autoretrain.api_tokens DEFAULT VALUES"),
    ("autoretrain_reader", "SELECT FROM autoretrain.api_tokens"),
]


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN)
def test_tokens_are_the_apis_alone_and_never_change_hands(
    clone: str, role: str, statement: str
) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        World(clone).run(f"SET LOCAL ROLE {role}; {statement}")
