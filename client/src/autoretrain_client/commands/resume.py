"""`autoretrain resume`: a strategy that failures have paused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
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

    One that rests after failures no longer does. STRATEGY is an id or a name.

    \b
    Example:
      autoretrain resume "Mean Reversion BTC"
    """
    named = find(session.client, strategy)
    before = session.client.strategy(named.id)
    session.tell(session.client.resume(named.id), partial(_lines, named, before))


def _lines(named: Named, before: Strategy, strategy: Strategy) -> Iterator[str]:
    off = why_off(named, strategy)
    follows = f"the hourly check is {off}" if off else "the next hourly check looks at it"
    yield f"{strategy.name}: not paused; {_lifted(before)}{follows}"


def _lifted(before: Strategy) -> str:
    """Which rest there was, if any: the answer itself knows of none any more."""
    if before.failures:
        failures = "1 failure" if before.failures == 1 else f"{before.failures} failures"
        return f"no longer rests after {failures}; "
    until = before.next_eligible_at
    return "no longer rests; " if until is not None and until > datetime.now(UTC) else ""
