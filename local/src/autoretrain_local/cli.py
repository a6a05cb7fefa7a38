"""The commands of an operator's machine: what each takes, and what it prints.

A command imports what it works with when it runs, so that `autoretrain --help` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

if TYPE_CHECKING:
    from psycopg2.extensions import connection

    from autoretrain.storage.migrate import Migrated
    from autoretrain_local.trade_file import TradeFile
    from autoretrain_local.trade_store import Stored

_SHOWN_ROWS = 10
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


def _not_blank(_: click.Context, __: click.Parameter, name: str) -> str:
    if not name.strip():
        raise click.BadParameter("a strategy has a name")
    return name.strip()


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--strategy", required=True, callback=_not_blank, help="Its name; new or known.")
@click.option(
    "--user-id",
    type=click.UUID,
    default=_LOCAL_USER,
    show_default=True,
    help="Whose strategy it is.",
)
@_database_options
def import_trades(
    file: Path, strategy: str, user_id: UUID, database_url: str | None, data: Path
) -> None:
    """Import a strategy's trades from a CSV file.

    FILE is CSV in UTF-8, plain or gzipped, with the columns trade_id, symbol, side (long or
    short), decided_at, closed_at, pnl_pct, optionally win (1 or 0, checked against pnl_pct), and
    one column f_NAME for every feature NAME. Others are ignored.

    Times are ISO 8601; without an offset they are UTC. Empty cells, NaN and null are missing
    values. A trade without closed_at and pnl_pct is open. Rows that cannot be read are left out
    and shown with their line numbers.

    The same file can be imported again: of the trades that are known by their trade_id, those
    that were open and have closed since are updated, the others stay as they are.
    """
    from autoretrain.errors import DataError
    from autoretrain.storage.migrate import migrate as bring_up_to_date
    from autoretrain_local.trade_file import read_trades
    from autoretrain_local.trade_store import store_trades

    with _progress("reading", length=file.stat().st_size) as bar:
        read = read_trades(file, bar.update)
    _tell_left_out(read)
    if not read.trades:
        raise DataError("trade_file", "the file holds no trade that can be read: nothing imported")
    with _connection(database_url, data) as opened:
        migrated = bring_up_to_date(opened)
        if migrated.applied:
            _tell_migrated(migrated)
        with _progress("writing", read.trades) as trades:
            stored = store_trades(opened, user_id, strategy, trades)
    _tell_stored(strategy, stored)


@contextmanager
def _connection(database_url: str | None, data: Path) -> Iterator[connection]:
    from autoretrain.storage.database import connect
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


def _tell_left_out(read: TradeFile) -> None:
    lines = []
    if read.ignored_columns:
        lines.append(f"ignored columns: {', '.join(read.ignored_columns)}")
    if read.infinite_values:
        lines.append(f"{read.infinite_values:,} infinite feature values read as missing")
    if read.bad_rows:
        lines.append(f"rows left out: {len(read.bad_rows):,}")
        lines.extend(f"  {row}" for row in read.bad_rows[:_SHOWN_ROWS])
    if len(read.bad_rows) > _SHOWN_ROWS:
        lines.append(f"  … and {len(read.bad_rows) - _SHOWN_ROWS:,} more")
    for line in lines:
        click.echo(line, err=True)


def _tell_stored(strategy: str, stored: Stored) -> None:
    if stored.is_new_strategy:
        click.echo(f"created strategy {strategy} ({stored.strategy_id})")
    click.echo(
        f"imported {stored.total:,} trades ({stored.new:,} new, {stored.updated:,} updated,"
        f" {stored.unchanged:,} unchanged)"
    )


@click.command()
@_database_options
def up(database_url: str | None, data: Path) -> None:
    """Keep the whole stack up on this machine, with the hourly tick, the first at once.

    Ctrl-C stops everything it has started. Data and models are kept in the folder.
    """
    from autoretrain_local.up import run

    run(database_url, data, sys.stdout)


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".local"),
    show_default=True,
    help="The folder of the local stack; the demo builds its own part of it anew.",
)
def demo(data: Path) -> None:
    """Run the main job once, on real market prices, and tell what happened."""
    from autoretrain_local.demo.show import show

    show(data / "demo", sys.stdout)
