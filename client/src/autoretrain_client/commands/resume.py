"""`autoretrain resume`: a strategy that failures have paused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import click

from autoretrain_client.commands.naming import Named, find, strategy_argument
from autoretrain_client.commands.session import Session, asks_api
from autoretrain_client.commands.show import why_off

if TYPE_CHECKING:
    from autoretrain_client.answers import Strategy


@click.command()
@strategy_argument
@asks_api
def resume(session: Session, strategy: str) -> None:
    """Take a paused strategy up again.

    STRATEGY is an id or a name.

    \b
    Example:
      autoretrain resume "Mean Reversion BTC"
    """
    named = find(session.client, strategy)
    session.tell(session.client.resume(named.id), partial(_lines, named))


def _lines(named: Named, strategy: Strategy) -> Iterator[str]:
    off = why_off(named, strategy)
    follows = f"the hourly check is {off}" if off else "the next hourly check looks at it"
    yield f"{strategy.name}: not paused; {follows}"
