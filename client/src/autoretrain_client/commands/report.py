"""`autoretrain report`: how a model was judged, in words or as one page with plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autoretrain_client.commands.naming import find, strategy_argument
from autoretrain_client.commands.session import Session, asks_api
from autoretrain_client.errors import NotFound

if TYPE_CHECKING:
    from autoretrain_client.answers import Strategy
    from autoretrain_client.client import Client


@click.command()
@strategy_argument
@click.argument("version", required=False)
@click.option(
    "--html",
    "page_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as one page with plots, which loads nothing.",
)
@asks_api
def report(session: Session, strategy: str, version: str | None, page_file: Path | None) -> None:
    """Show how a model was judged.

    Without a VERSION, that of the live model, or of the newest where none is live. What is shown
    has been checked against the hash of the model's manifest. STRATEGY is an id or a name.

    \b
    Examples:
      autoretrain report "Mean Reversion BTC"
      autoretrain report mean v7 --html v7.html
    """
    from autoretrain_client.commands.report_page import page
    from autoretrain_client.commands.report_words import lines
    from autoretrain_client.reports import fetch_report

    client = session.client
    whole = client.strategy(find(client, strategy).id)
    shown = version or _shown_version(client, whole)
    found = fetch_report(client.model(whole.id, shown), client.transport)
    title = f"{whole.name}, {shown}"
    if page_file is None:
        session.tell(found, partial(lines, title, shown))
    else:
        page_file.write_text(page(title, shown, found), encoding="utf-8")
        session.tell(found, partial(_written, page_file))


def _written(page_file: Path, found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{page_file} holds the report"
    yield from (f"WARNING: {warning}" for warning in found.get("warnings", []))


def _shown_version(client: Client, strategy: Strategy) -> str:
    if strategy.champion is not None:
        return strategy.champion.version
    newest = next(iter(client.models(strategy.id)), None)
    if newest is None:
        raise NotFound(f"{strategy.name} has no models yet: `autoretrain train` makes one")
    return newest.version
