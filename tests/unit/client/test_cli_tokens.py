from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from autoretrain_client.commands import tokens
from autoretrain_client.commands.tokens import FIRST_TOKEN
from tests.unit.client.command_line import OTHER, Api, CommandLine, page
from tests.unit.client.scripted import answer, refusal

CREATE = "POST /api/tokens"
SECRET = f"arp_abcd1234_{'s' * 43}"
ROW: dict[str, Any] = {
    "id": "abcd1234",
    "name": "bot",
    "scopes": ["read"],
    "created_at": "2020-01-01T00:00:00Z",
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}
MAKES_FIRST = """
def create(*asked):
    made.append(asked)
    return "arp_first"

made = []
"""
Made = list[tuple[str | None, UUID, str, Sequence[str] | None, timedelta | None, Path]]
HERE = Path(".local")


@pytest.fixture
def first_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """What an installed package that makes first tokens is asked for."""
    (tmp_path / "makes_first.py").write_text(MAKES_FIRST)
    installed = tmp_path / "makes_first-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: makes_first\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(f"[{FIRST_TOKEN}]\ncreate = makes_first:create")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "makes_first", raising=False)
    made: Made = import_module("makes_first").made
    return made


def test_token_alone_goes_to_stdout(api: Api, autoretrain: CommandLine) -> None:
    api.says(CREATE, answer({**ROW, "token": SECRET}, 201))
    options = ["--scope", "read", "--scope", "retrain", "--expires-days", "90"]

    done = autoretrain("tokens", "create", "--name", "bot", *options)

    assert done.code == 0
    assert done.out == f"{SECRET}\n"
    assert "not shown again" in done.err
    assert SECRET not in done.err
    assert api.body(CREATE) == {
        "name": "bot",
        "scopes": ["read", "retrain"],
        "expires_in_days": 90,
    }


def test_token_has_all_scopes_and_no_end_unless_asked(api: Api, autoretrain: CommandLine) -> None:
    api.says(CREATE, answer({**ROW, "token": SECRET}, 201))
    done = autoretrain("tokens", "create", "--name", "bot", "--json")
    assert done.json == {**ROW, "token": SECRET}
    assert api.body(CREATE) == {"name": "bot"}


@pytest.mark.parametrize(
    "options", [("--scope", "write"), ("--expires-days", "0"), ("--expires-days", "3651")]
)
def test_what_no_token_can_have_is_a_wrong_command_line(
    options: tuple[str, str], api: Api, autoretrain: CommandLine
) -> None:
    assert autoretrain("tokens", "create", "--name", "bot", *options).code == 2
    assert api.said() == []


def test_tokens_are_listed_with_what_they_are_good_for(api: Api, autoretrain: CommandLine) -> None:
    api.says(
        "GET /api/tokens",
        page(
            ROW,
            {**ROW, "expires_at": "2120-01-01T12:00:00Z", "last_used_at": "2020-01-01T00:00:00Z"},
            {**ROW, "expires_at": "2020-01-01T00:00:00Z"},
            {**ROW, "revoked_at": "2020-01-01T00:00:00Z"},
        ),
    )
    done = autoretrain("tokens", "list")
    rows = [re.split("  +", re.sub(r"\d+ d", "N d", line)) for line in done.out.splitlines()]
    assert rows == [
        ["NAME", "STATE", "SCOPES", "MADE", "LAST USED", "ID"],
        ["bot", "good", "read", "N d ago", "–", "abcd1234"],
        ["bot", "expires in N d", "read", "N d ago", "N d ago", "abcd1234"],
        ["bot", "expired N d ago", "read", "N d ago", "–", "abcd1234"],
        ["bot", "revoked", "read", "N d ago", "–", "abcd1234"],
    ]


@pytest.mark.parametrize("asked", ["abcd1234", SECRET])
def test_token_is_revoked_by_its_id_and_its_secret_stays_here(
    asked: str, api: Api, autoretrain: CommandLine
) -> None:
    api.says("DELETE /api/tokens/abcd1234", answer(status=204))
    assert autoretrain("tokens", "revoke", asked) == (0, "abcd1234: revoked\n", "")


def test_unknown_token_is_not_found(api: Api, autoretrain: CommandLine) -> None:
    api.says("DELETE /api/tokens/abcd1234", refusal(404, "unknown_token", "no such token"))
    assert autoretrain("tokens", "revoke", "abcd1234") == (66, "", "error: no such token\n")


FIRST = ("tokens", "create", "--name", "first", "--user-id", OTHER)


def test_first_token_is_made_in_the_database_without_the_api(
    first_tokens: Made, api: Api, autoretrain: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTORETRAIN_TOKEN")
    scopes = ["--scope", "read", "--expires-days", "7"]

    done = autoretrain(*FIRST, "--database-url", "postgresql://there", *scopes)

    assert (done.code, done.out) == (0, "arp_first\n")
    assert first_tokens == [
        ("postgresql://there", UUID(OTHER), "first", ("read",), timedelta(days=7), HERE)
    ]
    assert api.connected == []


def test_database_of_the_first_token_is_that_of_the_environment(
    first_tokens: Made, autoretrain: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://of-environment")
    assert autoretrain(*FIRST, "--json").json == {"token": "arp_first"}
    assert first_tokens == [("postgresql://of-environment", UUID(OTHER), "first", None, None, HERE)]


@pytest.mark.parametrize(
    ("options", "data"), [((), HERE), (("--data", "elsewhere"), Path("elsewhere"))]
)
def test_database_of_the_first_token_is_the_local_stacks_when_none_is_named(
    options: tuple[str, ...], data: Path, first_tokens: Made, autoretrain: CommandLine
) -> None:
    assert autoretrain(*FIRST, *options).out == "arp_first\n"
    assert first_tokens == [(None, UUID(OTHER), "first", None, None, data)]


@pytest.mark.usefixtures("first_tokens")
def test_database_of_the_environment_is_left_alone_when_the_api_is_asked(
    api: Api, autoretrain: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://of-environment")
    api.says(CREATE, answer({**ROW, "token": SECRET}, 201))
    assert autoretrain("tokens", "create", "--name", "bot").out == f"{SECRET}\n"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--database-url", "postgresql://there"), "--database-url and --data go with --user-id"),
        (("--data", "elsewhere"), "--database-url and --data go with --user-id"),
        (("--user-id", "me", "--database-url", "postgresql://there"), "is not a valid UUID"),
    ],
)
@pytest.mark.usefixtures("first_tokens")
def test_half_an_order_for_a_first_token_is_a_wrong_command_line(
    options: tuple[str, ...], told: str, api: Api, autoretrain: CommandLine
) -> None:
    done = autoretrain("tokens", "create", "--name", "first", *options)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert api.said() == []


def test_there_is_no_first_token_where_no_package_makes_one(
    autoretrain: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "entry_points", lambda **_: ())
    assert "--user-id" not in autoretrain("tokens", "create", "--help").out
    done = autoretrain(*FIRST)
    assert done.code == 2
    assert "No such option" in done.err


def test_package_of_the_whole_stack_makes_first_tokens() -> None:
    (plug,) = entry_points(group=FIRST_TOKEN, name="create")
    taken = inspect.signature(plug.load()).parameters
    assert list(taken) == ["database_url", "user_id", "name", "scopes", "lifetime", "data"]
