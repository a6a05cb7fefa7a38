from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from autoretrain.domain.access import parse_token
from autoretrain.errors import OperatorError
from autoretrain.services.tokens import Tokens
from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, Database
from autoretrain.storage.tokens import TokenBooks
from autoretrain_local import first_token
from autoretrain_local.databases import STACK_FILE
from autoretrain_local.token_file import TOKEN_FILE, local_token

USER = UUID(int=1)
STRANGER = UUID(int=2)


@pytest.fixture
def tokens(clone: str) -> Iterator[Tokens]:
    with closing(Database(lambda: connect(clone), API)) as database:
        yield Tokens(TokenBooks(database))


def id_of(token: str) -> str:
    parsed = parse_token(token)
    assert parsed is not None
    return parsed.id


def live(tokens: Tokens, user_id: UUID = USER) -> set[str]:
    return {row.id for row in tokens.list(user_id) if row.revoked_at is None}


def test_first_token_is_made_in_the_running_stacks_database_when_no_other_is_named(
    clone: str, tokens: Tokens, tmp_path: Path
) -> None:
    stack = {"pid": os.getpid(), "database_url": clone}
    (tmp_path / STACK_FILE).write_text(json.dumps(stack))
    made = first_token.create(None, STRANGER, "first", data=tmp_path)
    assert live(tokens, STRANGER) == {id_of(made)}


def test_first_token_needs_a_stack_or_a_url(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    with pytest.raises(OperatorError, match=r"nowhere.*--data.*--database-url or DATABASE_URL"):
        first_token.create(None, USER, "first", data=nowhere)
    assert not nowhere.exists()


def test_token_of_this_machine_is_kept(clone: str, tokens: Tokens, tmp_path: Path) -> None:
    made = local_token(clone, tmp_path)
    assert local_token(clone, tmp_path) == made
    assert live(tokens) == {id_of(made)}


def test_new_token_of_this_machine_makes_the_earlier_ones_worthless(
    clone: str, tokens: Tokens, tmp_path: Path
) -> None:
    bot = first_token.create(clone, USER, "bot")
    somebody = first_token.create(clone, STRANGER, "this machine")
    local_token(clone, tmp_path)
    (tmp_path / TOKEN_FILE).unlink()

    made = local_token(clone, tmp_path)

    assert live(tokens) == {id_of(bot), id_of(made)}
    assert live(tokens, STRANGER) == {id_of(somebody)}
