"""`autoretrain tokens`: the caller's own; the very first one comes straight from the database,
where a package that can do so is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click
from click.core import ParameterSource

from autoretrain_client.commands.printing import ago, say, table
from autoretrain_client.commands.session import Session, asks_api

if TYPE_CHECKING:
    from autoretrain_client.answers import Page, Token

FIRST_TOKEN = "autoretrain.first_token"  # noqa: S105 -- the name of an entry point group
"""The group whose `create` makes a token without the API."""

_LOCAL_STACK = Path(".local")
_SCOPES = ("read", "retrain", "manage")
_LONGEST_DAYS = 3650
_SHOWN_ONCE = "this token is not shown again: keep it where nobody else reads it"

Create = Callable[[str | None, UUID, str, Sequence[str] | None, timedelta | None, Path], str]
"""Database URL, user, name, scopes (None: all), lifetime (None: for ever) and the local stack's
folder, whose database it is where there is no URL, to a token."""


class _CreateCommand(click.Command):
    """Has some options more where a package can use them."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = super().get_params(ctx)
        return [*params, *_FIRST_TOKEN_OPTIONS] if _plugs() else params


_FIRST_TOKEN_OPTIONS = (
    click.Option(
        ["--user-id"],
        type=click.UUID,
        help="Whose first token it is: made in the database itself, without the API.",
    ),
    click.Option(
        ["--database-url"],
        envvar="DATABASE_URL",
        show_envvar=True,
        help="The PostgreSQL for --user-id; without it, that of the local stack.",
    ),
    click.Option(
        ["--data"],
        type=click.Path(path_type=Path, file_okay=False),
        default=_LOCAL_STACK,
        show_default=True,
        help="The folder of the local stack and its database, for --user-id.",
    ),
)


def _plugs() -> Sequence[EntryPoint]:
    return tuple(entry_points(group=FIRST_TOKEN, name="create"))


@click.group()
def tokens() -> None:
    """Create, list and revoke API tokens."""


@tokens.command(cls=_CreateCommand)
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(_SCOPES),
    multiple=True,
    help="What it may do; may be given several times. Without it, all that yours may.",
)
@click.option(
    "--expires-days",
    type=click.IntRange(1, _LONGEST_DAYS),
    metavar="N",
    help="It is good for so many days; without it, until it is revoked.",
)
@asks_api
def create(
    session: Session,
    name: str,
    scopes: tuple[str, ...],
    expires_days: int | None,
    user_id: UUID | None = None,
    database_url: str | None = None,
    data: Path = _LOCAL_STACK,
) -> None:
    """Create a token. It alone goes to stdout, this once.

    \b
    Examples:
      autoretrain tokens create --name "bot on the VPS" --scope read --expires-days 90
      TOKEN=$(autoretrain tokens create --name console)
    """
    given = scopes or None
    if user_id is not None:
        lifetime = None if expires_days is None else timedelta(days=expires_days)
        make: Create = _plugs()[0].load()
        made = make(database_url, user_id, name, given, lifetime, data)
        session.tell({"token": made}, lambda answer: answer.values())
    elif _given("database_url") or _given("data"):
        raise click.UsageError("--database-url and --data go with --user-id")
    else:
        answer = session.client.create_token(name, scopes=given, expires_in_days=expires_days)
        session.tell(answer, lambda token: [token.token])
    say([_SHOWN_ONCE], err=True)


def _given(option: str) -> bool:
    """Whether somebody has written it; the environment speaks to other commands too."""
    source = click.get_current_context().get_parameter_source(option)
    return source is ParameterSource.COMMANDLINE


@tokens.command("list")
@asks_api
def list_tokens(session: Session) -> None:
    """List your tokens, the revoked ones too.

    \b
    Example:
      autoretrain tokens list
    """
    from autoretrain_client.answers import Page

    session.tell(Page(tuple(session.client.tokens()), next=None), _lines)


@tokens.command()
@click.argument("token_id", metavar="ID")
@asks_api
def revoke(session: Session, token_id: str) -> None:
    """Make a token worthless. ID is its id, or the token itself.

    \b
    Example:
      autoretrain tokens revoke k3v9x2ab
    """
    # arp_<id>_<secret>: the secret has no business in an address.
    known = token_id.split("_")[1] if token_id.startswith("arp_") else token_id
    session.client.revoke_token(known)
    session.tell(None, lambda _: [f"{known}: revoked"])


def _lines(page: Page[Token]) -> Iterable[str]:
    return table([_row(token) for token in page.items])


def _row(token: Token) -> dict[str, str]:
    return {
        "name": token.name,
        "state": _state(token),
        "scopes": " ".join(token.scopes),
        "made": ago(token.created_at),
        "last used": ago(token.last_used_at),
        "id": token.id,
    }


def _state(token: Token) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is None:
        return "good"
    expired = token.expires_at <= datetime.now(UTC)
    return f"{'expired' if expired else 'expires'} {ago(token.expires_at)}"
