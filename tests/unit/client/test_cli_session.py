"""What all commands that talk to the API have in common."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import pytest

from autoretrain_client.cli import PLUGS, main
from autoretrain_client.connection import DEFAULT_URL
from tests.unit.client.command_line import ALL, OF_RUN, ONE, Api, CommandLine, page, summary, whole
from tests.unit.client.scripted import (
    RUN,
    STRATEGY,
    TOKEN,
    Answer,
    answer,
    model,
    refusal,
    report,
    retrain,
    run,
)

MADE: dict[str, Any] = {
    "id": "abcd1234",
    "name": "bot",
    "scopes": ["read"],
    "created_at": "2026-11-16T10:00:00Z",
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
    "token": "arp_abcd1234_new",
}
OUTSIDE = {
    "completion",
    "cost",
    "demo",
    "doctor",
    "import-trades",
    "migrate",
    "replay",
    "report",
    "up",
}
"""Commands that do not talk to the API, and one whose answer the model store has."""

COMMANDS: dict[tuple[str, ...], tuple[str, Any]] = {
    ("strategies",): (f"GET {ALL}", {"items": [summary()], "next": None}),
    ("show", STRATEGY): (f"GET {ONE}", whole()),
    ("check", STRATEGY): (f"POST {ONE}/auto-retrain", retrain(run())),
    ("train", STRATEGY): ("POST /train-strategy", retrain(run())),
    ("runs", STRATEGY): (f"GET {ONE}/training-runs", {"items": [run()], "next": None}),
    ("cancel", RUN): (f"POST {OF_RUN}/cancel", run("cancelled")),
    ("models", STRATEGY): (f"GET {ONE}/models", {"items": [model()], "next": None}),
    ("models", STRATEGY, "v2"): (f"GET {ONE}/models/v2", report()),
    ("activate", STRATEGY, "v2"): (f"POST {ONE}/models/v2/activate", whole()),
    ("unpin", STRATEGY): (f"POST {ONE}/unpin", whole()),
    ("resume", STRATEGY): (f"POST {ONE}/resume", whole()),
    ("set", STRATEGY, "max_age_days=3"): (f"PATCH {ONE}", whole()),
    ("tokens", "create", "--name", "bot"): ("POST /api/tokens", MADE),
    ("tokens", "list"): (
        "GET /api/tokens",
        {"items": [{name: MADE[name] for name in MADE if name != "token"}], "next": None},
    ),
    ("tokens", "revoke", "abcd1234"): ("DELETE /api/tokens/abcd1234", None),
}
EACH = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


def test_every_command_is_here() -> None:
    assert {command[0] for command in COMMANDS} == set(entry_points(group=PLUGS).names) - OUTSIDE


@EACH
def test_json_is_that_of_the_api_and_alone(
    command: tuple[str, ...], api: Api, autoretrain: CommandLine
) -> None:
    route, written = COMMANDS[command]
    api.says(route, answer(written))
    done = autoretrain(*command, "--json")
    assert done.code == 0
    assert _at_utc(done.json) == _at_utc(written)


@EACH
def test_answer_for_people_is_no_json(
    command: tuple[str, ...], api: Api, autoretrain: CommandLine
) -> None:
    route, written = COMMANDS[command]
    api.says(route, answer(written))
    done = autoretrain(*command)
    assert done.code == 0
    assert done.out
    assert not done.out.startswith("{")


@pytest.mark.parametrize(
    ("heard", "code"),
    [
        (refusal(422, "invalid_request"), 65),
        (refusal(404, "unknown_strategy"), 66),
        (httpx.ConnectError, 69),
        (answer({"message": "Internal Server Error"}, 500), 69),
        (refusal(500, "internal_error"), 70),
        (refusal(409, "pinned"), 73),
        (answer({"message": "Too Many Requests"}, 429, Retry_After="60"), 75),
        (answer({"hello": "there"}, 418), 76),
        (answer({"message": "Forbidden"}, 403), 77),
        (refusal(403, "missing_scope"), 77),
    ],
)
@EACH
def test_exit_code_tells_what_went_wrong(
    heard: Answer,
    code: int,
    command: tuple[str, ...],
    api: Api,
    autoretrain: CommandLine,
) -> None:
    api.says(COMMANDS[command][0], heard)
    if command[0] == "cancel":
        api.says(f"GET {ALL}/{RUN}", heard)
    done = autoretrain(*command, "--json")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")
    assert TOKEN not in done.err


@EACH
def test_no_command_shows_its_token(
    command: tuple[str, ...], api: Api, autoretrain: CommandLine
) -> None:
    route, written = COMMANDS[command]
    api.says(route, answer(written))
    assert TOKEN not in "".join(
        map(str, [*autoretrain(*command), *autoretrain(*command, "--json")])
    )
    assert api.requests[-1].headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in "".join(api.said())


@EACH
def test_no_command_goes_without_a_token(
    command: tuple[str, ...],
    api: Api,
    autoretrain: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AUTORETRAIN_TOKEN")
    done = autoretrain(*command)
    assert (done.code, done.out) == (78, "")
    assert "set AUTORETRAIN_TOKEN" in done.err
    assert "$(cat .local/token)" in done.err
    assert "tokens create --user-id" in done.err
    assert api.said() == []


@EACH
def test_help_has_examples(command: tuple[str, ...], autoretrain: CommandLine) -> None:
    words = command[:2] if command[0] == "tokens" else command[:1]
    shown = " ".join(autoretrain(*words, "--help").out.split())
    assert f"autoretrain {' '.join(words)}" in shown.partition("Example")[2]
    assert "env var: AUTORETRAIN_URL" in shown
    assert DEFAULT_URL in shown


def test_url_is_that_of_the_option_before_that_of_the_environment(
    api: Api, autoretrain: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTORETRAIN_URL", "https://environment.test")
    autoretrain("strategies")
    autoretrain("strategies", "--url", "https://option.test/")
    assert [each.url.host for each in api.requests] == ["environment.test", "option.test"]


def test_url_that_is_wrong_is_called_by_the_name_it_was_given_under(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTORETRAIN_TOKEN", TOKEN)
    monkeypatch.setenv("AUTORETRAIN_URL", "ftp://environment.test")
    assert main(["strategies"]) == 78
    assert capsys.readouterr().err.startswith("error: AUTORETRAIN_URL must be ")
    assert main(["strategies", "--url", "ftp://option.test"]) == 78
    assert capsys.readouterr().err.startswith("error: url must be ")


def test_address_without_auto_retrain_is_named(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"GET {ALL}", answer({"message": "Not Found"}, 404))
    done = autoretrain("strategies", "--url", "https://option.test/stage")
    assert done.code == 76
    assert done.err == (
        f"error: https://option.test/stage{ALL} answers 404: is this auto-retrain's URL?\n"
    )


def test_url_with_a_password_is_refused_without_showing_it(autoretrain: CommandLine) -> None:
    done = autoretrain("strategies", "--url", "https://me:hunter2@api.test")
    assert done.code == 78
    assert "hunter2" not in done.err


def test_token_file_comes_before_the_environment(
    api: Api, autoretrain: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("arp_of_file\n")
    assert autoretrain("strategies", "--token-file", str(tmp_path / "token")).code == 0
    assert api.requests[0].headers["Authorization"] == "Bearer arp_of_file"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b" \n", "is empty: it must hold a token"),
        (b"\xff\xfe", "holds what no token has: it must hold a token and nothing else"),
        (b"arp_a\narp_b\n", "holds what no token has"),
    ],
)
def test_token_file_without_a_token_is_told(
    content: bytes, told: str, api: Api, autoretrain: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "token").write_bytes(content)
    done = autoretrain("strategies", "--token-file", str(tmp_path / "token"))
    assert done.code == 78
    assert done.err.startswith(f"error: {tmp_path / 'token'} {told}")
    assert api.said() == []


def test_token_file_that_is_not_there_is_a_wrong_command_line(autoretrain: CommandLine) -> None:
    assert autoretrain("strategies", "--token-file", "/no/such/file").code == 2


def test_long_list_is_asked_for_to_its_end(api: Api, autoretrain: CommandLine) -> None:
    first = answer({"items": [summary("one")], "next": "more"})
    api.says(f"GET {ALL}", first, page(summary("two")))
    assert [each["name"] for each in autoretrain("strategies", "--json").json["items"]] == [
        "one",
        "two",
    ]


def test_help_of_the_root_has_every_exit_code(autoretrain: CommandLine) -> None:
    listed = autoretrain("--help").out.partition("Exit codes:")[2]
    documented = {
        int(line.split()[0]) for line in listed.splitlines() if line.strip()[:1].isdigit()
    }
    assert documented == {0, 1, 2, 65, 66, 69, 70, 73, 74, 75, 76, 77, 78, 130, 141}


def test_help_does_not_load_the_http_client() -> None:
    program = "import sys; from autoretrain_client.cli import main; main(['--help']);"
    program += "sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def _at_utc(written: Any) -> Any:
    """The API may write UTC as Z or as +00:00."""
    if isinstance(written, dict):
        return {name: _at_utc(value) for name, value in written.items()}
    if isinstance(written, list):
        return [_at_utc(value) for value in written]
    return written.replace("+00:00", "Z") if isinstance(written, str) else written
