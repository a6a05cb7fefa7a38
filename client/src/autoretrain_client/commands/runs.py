"""`autoretrain runs` and `cancel`: the trainings of a strategy, and stopping one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING
from uuid import UUID

import click

from autoretrain_client.commands.naming import (
    Named,
    as_uuid,
    begun,
    find,
    may_begin_id,
    strategy_argument,
)
from autoretrain_client.commands.printing import ABSENT, ago, details, figure, flat, table
from autoretrain_client.commands.progress import stage
from autoretrain_client.commands.session import Session, asks_api
from autoretrain_client.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from autoretrain_client.answers import Page, Run
    from autoretrain_client.client import Client


@click.command()
@strategy_argument
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="At most so many, the newest.",
)
@asks_api
def runs(session: Session, strategy: str, run_id: str | None, limit: int) -> None:
    """List a strategy's trainings, or show one.

    Newest first; with a RUN, all there is to know of it. STRATEGY is an id or a name, RUN an id, or
    at least 6 characters that only one begins with.

    \b
    Examples:
      autoretrain runs "Mean Reversion BTC"
      autoretrain runs mean 123e45
      autoretrain runs mean --limit 1 --json
    """
    from autoretrain_client.answers import Page

    named = find(session.client, strategy)
    if run_id is not None:
        session.tell(_one(session.client, named, run_id), _report)
        return
    found = tuple(session.client.runs(named.id, limit=limit))
    session.tell(Page(found, next=None), _lines)


def _one(client: Client, named: Named, asked: str) -> Run:
    whole = as_uuid(asked)
    if whole is not None:
        return client.run(whole)
    if not may_begin_id(asked):
        raise Invalid(
            f"{asked!r}: a run is named by its id, or by 6 or more characters that begin it"
        )
    found = {run.id: run for run in client.runs(named.id)}
    meant = begun(asked, found)
    if meant is None:
        raise NotFound(f"no run begins with {asked!r}: {named.command('runs')} lists them")
    return found[meant]


@click.command()
@click.argument("run_or_strategy")
@asks_api
def cancel(session: Session, run_or_strategy: str) -> None:
    """Cancel a training.

    RUN_OR_STRATEGY is the id of a run, or at least 6 characters that only one live run begins
    with, or a strategy whose live run is meant.

    \b
    Examples:
      autoretrain cancel 123e45
      autoretrain cancel 123e4567-e89b-12d3-a456-426614174000
      autoretrain cancel "Mean Reversion BTC"
    """
    session.tell(_cancelled(session.client, run_or_strategy), _cancelled_lines)


def _cancelled(client: Client, asked: str) -> Run:
    run_id = as_uuid(asked)
    if run_id is None and may_begin_id(asked):
        return client.cancel(_begun_live_run(client, asked))
    if run_id is None:
        return client.cancel(_live_run(client, find(client, asked).id))
    try:
        return client.cancel(run_id)
    except NotFound:
        return client.cancel(_live_run_of_id(client, run_id))


def _begun_live_run(client: Client, asked: str) -> UUID:
    """Of a strategy where no run begins so: `decade` may be the name of one."""
    run_id = begun(asked, [each.live_run.id for each in client.strategies() if each.live_run])
    if run_id is not None:
        return run_id
    try:
        return _live_run(client, find(client, asked).id)
    except NotFound as exc:
        raise NotFound(
            f"no live run begins with {asked!r}, and no strategy's name holds it"
        ) from exc


def _live_run_of_id(client: Client, strategy_id: UUID) -> UUID:
    try:
        return _live_run(client, strategy_id)
    except NotFound as exc:
        if exc.code != "unknown_strategy":
            raise
        told = "no such run or strategy"
        raise NotFound(told, status=exc.status, code=exc.code, request_id=exc.request_id) from exc


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


def _lines(page: Page[Run]) -> Iterator[str]:
    if not page.items:
        yield "no trainings yet"
        return
    header, *rows = table([_row(run) for run in page.items], whole="id")
    yield header
    for row, run in zip(rows, page.items, strict=True):
        yield row
        yield f"    {_told(run)}"


def _row(run: Run) -> dict[str, str]:
    return {
        "asked for": ago(run.queued_at),
        "id": str(run.id),
        "status": stage(run),
        "model": _model(run),
        "trades": figure(run.rows_used),
        "seconds": figure(run.training_seconds, ".1f"),
    }


def _told(run: Run) -> str:
    """Why it was asked for, and what came of it: too long for a column."""
    came = run.error.message if run.error else run.line
    return ": ".join(part for part in (run.reason, came) if part) or ABSENT


def _model(run: Run) -> str:
    if run.model_version is None:
        return ABSENT
    return f"{run.model_version}{', went live' if run.activated else ''}"


def _report(run: Run) -> Iterator[str]:
    values = {item.name: getattr(run, item.name) for item in fields(run)}
    error = values.pop("error")
    values["error"] = error and f"{error.message} ({error.code})"
    return details(dict(flat(values)))
