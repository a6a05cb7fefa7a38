"""The commands of an operator's machine: what each takes, and what it prints.

A command imports what it works with when it runs, so that `autoretrain --help` is quick.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import click

if TYPE_CHECKING:
    from psycopg2.extensions import connection

    from autoretrain.storage.migrate import Migrated
    from autoretrain_local.trade_file import TradeFile
    from autoretrain_local.trade_store import Stored

_SHOWN_ROWS = 10
_LONGEST_NAME = 200
_LOCAL_USER = UUID(int=1)


def _database_options(command: Callable[..., Any]) -> Callable[..., Any]:
    database_url = click.option(
        "--database-url",
        envvar="DATABASE_URL",
        show_envvar=True,
        help="A PostgreSQL of your own; without it, that of the local stack.",
    )
    data = click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".local"),
        show_default=True,
        help="The folder of the local stack and its database.",
    )
    return database_url(data(command))


@click.command()
@_database_options
def migrate(database_url: str | None, data: Path) -> None:
    """Create or upgrade the database's schema."""
    from autoretrain.storage.migrate import migrate as bring_up_to_date

    with _connection(database_url, data) as opened:
        migrated = bring_up_to_date(opened)
    if not migrated.applied:
        click.echo("nothing to do: the schema is up to date")
    _tell_migrated(migrated)


def _strategy_name(_: click.Context, __: click.Parameter, text: str) -> str:
    name = text.strip()
    if not name:
        raise click.BadParameter("a strategy has a name")
    if len(name) > _LONGEST_NAME:
        raise click.BadParameter(f"a name has at most {_LONGEST_NAME} characters")
    return name


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--strategy", required=True, callback=_strategy_name, help="Its name; new or known.")
@click.option(
    "--user-id",
    type=click.UUID,
    default=_LOCAL_USER,
    show_default=True,
    help="Whose strategy it is.",
)
@click.option("--replace", is_flag=True, help="Also write what differs from what is stored.")
@click.option("--all-bad-rows", is_flag=True, help="Show every row that is left out.")
@_database_options
def import_trades(
    file: Path,
    strategy: str,
    user_id: UUID,
    replace: bool,
    all_bad_rows: bool,
    database_url: str | None,
    data: Path,
) -> None:
    """Import a strategy's trades from a CSV file.

    FILE is CSV in UTF-8, plain or gzipped, with the columns trade_id, symbol, side (long or
    short), decided_at, closed_at, pnl_pct, optionally win (1 or 0, checked against pnl_pct), and
    one column f_NAME for every feature NAME. Others are ignored.

    Times are ISO 8601; without an offset they are UTC. Empty cells, NaN and null are missing
    values. A trade without closed_at and pnl_pct is open. Rows that cannot be read are left out
    and the first 10 shown with their line numbers.

    The same file can be imported again: of the trades that are known by their trade_id, those
    that were open and have closed since are updated, the others stay as they are. How many of
    these differ from what is stored is told; --replace writes them.
    """
    from autoretrain.errors import DataError
    from autoretrain.storage.migrate import migrate as bring_up_to_date
    from autoretrain_local.trade_file import read_trades
    from autoretrain_local.trade_store import store_trades

    with _progress("reading", length=file.stat().st_size) as bar:
        read = read_trades(file, datetime.now(UTC), bar.update)
    _tell_left_out(read, None if all_bad_rows else _SHOWN_ROWS)
    if not read.trades:
        raise DataError("trade_file", "the file holds no trade that can be read: nothing imported")
    _warn_of(read.features)
    with _connection(database_url, data) as opened:
        migrated = bring_up_to_date(opened)
        if migrated.applied:
            _tell_migrated(migrated)
        with _progress("writing", read.trades) as trades:
            stored = store_trades(opened, user_id, strategy, trades, replace=replace)
    _tell_stored(strategy, stored)


@contextmanager
def _connection(database_url: str | None, data: Path) -> Iterator[connection]:
    from autoretrain.storage.connection import connect
    from autoretrain_local.databases import database

    with database(database_url, data) as url, closing(connect(url)) as opened:
        yield opened


def _progress(
    label: str, items: Iterable[Any] | None = None, length: int | None = None
) -> AbstractContextManager[Any]:
    """A bar on a terminal, and nothing in a log."""
    quiet = not sys.stderr.isatty()
    return click.progressbar(
        items, length, label, hidden=quiet, file=sys.stderr, update_min_steps=1_000
    )


def _tell_migrated(migrated: Migrated) -> None:
    for name in migrated.applied:
        click.echo(f"applied {name}")
    for warning in migrated.warnings:
        click.echo(f"warning: {warning}", err=True)


def _tell_left_out(read: TradeFile, most: int | None) -> None:
    """Show at most so many bad rows, all where it is None."""
    lines, shown = [], read.bad_rows[:most]
    if read.ignored_columns:
        ignored = f"ignored columns: {', '.join(read.ignored_columns)}"
        lines.append(ignored if read.features else f"{ignored} ({_forgotten(read)})")
    if read.infinite_values:
        lines.append(f"{read.infinite_values:,} infinite feature values read as missing")
    if read.bad_rows:
        lines.append(f"rows left out: {len(read.bad_rows):,}")
        lines.extend(f"  {row}" for row in shown)
    if len(read.bad_rows) > len(shown):
        more = len(read.bad_rows) - len(shown)
        lines.append(f"  … and {more:,} more (--all-bad-rows shows them)")
    for line in lines:
        click.echo(line, err=True)


def _forgotten(read: TradeFile) -> str:
    return f"feature columns are called f_NAME: f_{read.ignored_columns[0]}?"


def _warn_of(features: Sequence[str]) -> None:
    """Say now what a training would refuse."""
    from autoretrain.errors import DataError
    from autoretrain_trainer.features import refuse_exit_only

    if not features:
        click.echo("warning: no features: a model cannot be trained from these trades", err=True)
    try:
        refuse_exit_only(features)
    except DataError as exc:
        click.echo(f"warning: {exc}", err=True)


def _tell_stored(strategy: str, stored: Stored) -> None:
    if stored.is_new_strategy:
        click.echo(f"created strategy {strategy} ({stored.strategy_id})")
    if stored.unchanged == stored.total:
        click.echo(f"nothing new: every trade of the file is there already ({stored.total:,})")
    else:
        click.echo(
            f"imported {stored.new + stored.updated:,} of {stored.total:,} trades"
            f" ({stored.new:,} new, {stored.updated:,} updated, {stored.different:,} different,"
            f" {stored.unchanged:,} unchanged)"
        )
    if stored.different:
        click.echo(
            f"{stored.different:,} trades differ from what is stored and were kept: import again"
            " with --replace to write them",
            err=True,
        )
    if stored.late:
        click.echo(
            f"new trades decided before the last training: {stored.late:,}; the next one learns"
            " from them, but no condition counts them;"
            f" `autoretrain train {shlex.quote(strategy)}` trains now",
            err=True,
        )


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8001,
    show_default=True,
    help="Where the API listens on 127.0.0.1; 0 for any port that is free.",
)
@click.option("--jwt-issuer", default="", help="Take web tokens (JWT) of this issuer too.")
@click.option(
    "--jwt-audience", default="authenticated", show_default=True, help="Whom they are made for."
)
@click.option(
    "--jwt-secret-file",
    type=click.File(encoding="utf-8"),
    help="A file with the secret that HS256 web tokens are signed with.",
)
@click.option(
    "--supabase-anon-key",
    default="",
    help="The public key of the issuer's Supabase project: people sign in to the console there.",
)
@_database_options
def up(
    port: int,
    jwt_issuer: str,
    jwt_audience: str,
    jwt_secret_file: TextIO | None,
    supabase_anon_key: str,
    database_url: str | None,
    data: Path,
) -> None:
    """Keep the whole stack up on this machine, with the hourly tick, the first at once.

    Ctrl-C stops everything it has started. Data and models are kept in the folder. The API's
    address and a token for it are printed; the token is in the folder too.
    """
    from autoretrain_local.account import SignIn
    from autoretrain_local.up import run

    secret = jwt_secret_file.read().strip() if jwt_secret_file else None
    sign_in = SignIn(jwt_issuer, jwt_audience, secret, supabase_anon_key)
    run(database_url, data, port, sign_in, sys.stdout)


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".local"),
    show_default=True,
    help="The folder of the local stack; the demo builds its own part of it anew.",
)
def demo(data: Path) -> None:
    """Run the main job once, on real market prices."""
    from autoretrain_local.demo.show import show

    show(data, sys.stdout)
