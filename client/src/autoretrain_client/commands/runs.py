"""`autoretrain runs` and `cancel`: the trainings of a strategy, and stopping one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

import click

from autoretrain_client.commands.naming import as_uuid, find, strategy_argument
from autoretrain_client.commands.printing import ABSENT, ago, figure, table
from autoretrain_client.commands.progress import stage
from autoretrain_client.commands.session import Session, asks_api
from autoretrain_client.errors import Conflict, NotFound

if TYPE_CHECKING:
    from autoretrain_client.answers import Page, Run
    from autoretrain_client.client import Client


@click.command()
@strategy_argument
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="At most so many, the newest.",
)
@asks_api
def runs(session: Session, strategy: str, limit: int) -> None:
    """List a strategy's trainings, newest first.

    STRATEGY is an id or a name.

    \b
    Examples:
      autoretrain runs "Mean Reversion BTC"
      autoretrain runs mean --limit 1 --json
    """
    from autoretrain_client.answers import Page

    named = find(session.client, strategy)
    found = tuple(session.client.runs(named.id, limit=limit))
    session.tell(Page(found, next=None), _lines)


@click.command()
@click.argument("run_or_strategy")
@asks_api
def cancel(session: Session, run_or_strategy: str) -> None:
    """Cancel a training.

    RUN_OR_STRATEGY is the id of a run, or a strategy whose live run is meant.

    \b
    Examples:
      autoretrain cancel 123e4567-e89b-12d3-a456-426614174000
      autoretrain cancel "Mean Reversion BTC"
    """
    session.tell(_cancelled(session.client, run_or_strategy), _cancelled_lines)


def _cancelled(client: Client, asked: str) -> Run:
    run_id = as_uuid(asked)
    if run_id is None:
        return client.cancel(_live_run(client, find(client, asked).id))
    try:
        return client.cancel(run_id)
    except NotFound:
        return client.cancel(_live_run(client, run_id))


def _live_run(client: Client, strategy_id: UUID) -> UUID:
    strategy = client.strategy(strategy_id)
    if strategy.live_run is None:
        raise Conflict(f"{strategy.name} has no live run: there is nothing to cancel")
    return strategy.live_run.id


def _cancelled_lines(run: Run) -> Iterator[str]:
    if run.running_at is None:
        yield f"{run.id}: {run.status} at once"
    else:
        yield f"{run.id}: {run.status}; its trainer stops at its next heartbeat"


def _lines(page: Page[Run]) -> Iterable[str]:
    if not page.items:
        return ["no trainings yet"]
    return table([_row(run) for run in page.items])


def _row(run: Run) -> dict[str, str]:
    return {
        "asked for": ago(run.queued_at),
        "status": stage(run),
        "model": _model(run),
        "trades": figure(run.rows_used),
        "seconds": figure(run.training_seconds, ".1f"),
        "reason": run.reason or ABSENT,
        "what came of it": run.error.message if run.error else run.line or ABSENT,
        "id": str(run.id),
    }


def _model(run: Run) -> str:
    if run.model_version is None:
        return ABSENT
    return f"{run.model_version}{', went live' if run.activated else ''}"
