"""`autoretrain strategies`: all of them, a line each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import click

from autoretrain_client.commands.printing import ABSENT, ago, figure, table
from autoretrain_client.commands.progress import stage
from autoretrain_client.commands.session import Session, asks_api

if TYPE_CHECKING:
    from autoretrain_client.answers import Page, StrategySummary

_NONE = (
    "no strategies yet: `autoretrain import-trades FILE --strategy NAME` adds one with its trades"
    " (other users' are not shown)"
)


@click.command()
@click.option("--search", default="", metavar="TEXT", help="Only those whose name holds it.")
@click.option(
    "--sort",
    type=click.Choice(["name", "-name", "trained_at", "-trained_at"]),
    default="name",
    show_default=True,
    help="A - in front is for the other direction.",
)
@asks_api
def strategies(session: Session, search: str, sort: str) -> None:
    """List the strategies.

    \b
    Examples:
      autoretrain strategies
      autoretrain strategies --search btc --sort -trained_at
      autoretrain strategies --json | jq -r '.items[].name'
    """
    from autoretrain_client.answers import Page

    found = tuple(session.client.strategies(search=search, sort=sort))
    session.tell(Page(found, next=None), partial(_lines, search))


def _lines(search: str, page: Page[StrategySummary]) -> Iterable[str]:
    if not page.items and search:
        return [f"no strategy's name holds {search!r}"]
    if not page.items:
        return [_NONE]
    return table([_row(each) for each in page.items])


def _row(each: StrategySummary) -> dict[str, str]:
    return {
        "name": each.name,
        "model": _model(each),
        "accuracy": figure(each.accuracy, ".2f"),
        "trained": ago(each.ml_model_trained_at),
        "last decision": _decision(each),
        "live run": _live_run(each),
        "id": str(each.id),
    }


def _model(each: StrategySummary) -> str:
    model = each.ml_model_version or ABSENT
    if each.pinned_version:
        model += ", pinned"
    if each.waiting_version:
        model += f", {each.waiting_version} waits"
    return model


def _decision(each: StrategySummary) -> str:
    decision = each.last_decision
    if decision is None:
        return ABSENT
    return f"{ago(decision.decided_at)}: {'retrain' if decision.should_retrain else 'no'}"


def _live_run(each: StrategySummary) -> str:
    if each.live_run is not None:
        return stage(each.live_run)
    if each.paused_reason:
        return "paused"
    if each.next_eligible_at is not None:
        return f"failed, next {ago(each.next_eligible_at)}"
    return ABSENT if each.is_active and each.ml_training_enabled else "switched off"
