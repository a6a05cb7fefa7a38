"""A command line and a bot, and the API that each talks to."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from autoretrain_client.cli import main
from tests.unit.client.bots import Bot
from tests.unit.client.command_line import (
    ALL,
    ONE,
    Api,
    CommandLine,
    Done,
    Look,
    Terminal,
    page,
    summary,
    whole,
)
from tests.unit.client.scripted import TOKEN, answer


@pytest.fixture
def api() -> Api:
    """One strategy is there."""
    return Api({f"GET {ALL}": [page(summary())], f"GET {ONE}": [answer(whole())]})


@pytest.fixture
def autoretrain(
    api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """`autoretrain` with these arguments, and a token in the environment."""
    monkeypatch.setenv("AUTORETRAIN_TOKEN", TOKEN)
    for name in ("AUTORETRAIN_URL", "DATABASE_URL", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Done:
        code = main(arguments, api.connect)
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Somebody looks at a stream, from the middle of a test on: capturing would undo it before."""

    def at(stream: str, columns: int) -> Terminal:
        shown = Terminal()
        monkeypatch.setattr(sys, stream, shown)
        monkeypatch.setenv("COLUMNS", str(columns))
        return shown

    return at


@pytest.fixture
def bot() -> Iterator[Bot]:
    bot = Bot()
    with bot.closing:
        yield bot
