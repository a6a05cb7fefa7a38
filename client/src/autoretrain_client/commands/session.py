"""What every command that talks to the API has in common: where that is, who asks, and whether the
answer is for people or for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import click
from click.core import ParameterSource

from autoretrain_client.commands.printing import say
from autoretrain_client.errors import NotConfigured

if TYPE_CHECKING:
    from autoretrain_client.client import Client

Answer = TypeVar("Answer")
Connect = Callable[[str | None, str | None], "Client"]
"""Makes the client of a URL and a token; None is that of the environment."""


class Session:
    """One command's talk with the API."""

    def __init__(
        self, ctx: click.Context, url: str | None, token_file: Path | None, as_json: bool
    ) -> None:
        self.as_json = as_json
        self._ctx = ctx
        self._url = url
        self._token_file = token_file

    @cached_property
    def client(self) -> Client:
        connect: Connect = self._ctx.obj or _connect
        return self._ctx.with_resource(connect(self._url, self._token()))

    def tell(self, answer: Answer, in_words: Callable[[Answer], Iterable[str]]) -> None:
        """Print the answer as it came, or in words."""
        if self.as_json:
            click.echo(json.dumps(answer, indent=2, default=_as_json))
        else:
            say(in_words(answer))

    def _token(self) -> str | None:
        if self._token_file is None:
            return None
        from autoretrain_client.connection import may_be_token

        token = self._token_file.read_text(encoding="utf-8", errors="replace").strip()
        if not token:
            raise NotConfigured(f"{self._token_file} is empty: it must hold a token")
        if not may_be_token(token):
            wanted = "it must hold a token and nothing else"
            raise NotConfigured(f"{self._token_file} holds what no token has: {wanted}")
        return token


def asks_api(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command a Session, and the options that make one."""

    @click.option(
        "--url",
        envvar="AUTORETRAIN_URL",
        show_envvar=True,
        help="Where the API is; without it, the local stack's http://127.0.0.1:8001.",
    )
    @click.option(
        "--token-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A file that holds the token; without it, AUTORETRAIN_TOKEN does.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the API's JSON, and nothing else.")
    @wraps(command)
    def run(url: str | None, token_file: Path | None, as_json: bool, **given: Any) -> None:
        ctx = click.get_current_context()
        if ctx.get_parameter_source("url") is ParameterSource.ENVIRONMENT:
            url = None  # the client reads it itself, and calls it by its name when it is wrong
        session = Session(ctx, url, token_file, as_json)
        command(session, **given)

    return run


def _connect(url: str | None, token: str | None) -> Client:
    from autoretrain_client.client import Client  # httpx takes a while, and --help shall not

    return Client(url, token)


def _as_json(value: object) -> object:
    if is_dataclass(value):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not what answers are made of")
