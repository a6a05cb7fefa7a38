"""`autoretrain models`, `activate` and `unpin`: what there is, and what is live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import click

from autoretrain_client.commands.naming import Named, find, strategy_argument
from autoretrain_client.commands.printing import ABSENT, ago, details, figure, shown, table
from autoretrain_client.commands.session import Session, asks_api
from autoretrain_client.commands.show import expired_since
from autoretrain_client.errors import NotFound

if TYPE_CHECKING:
    from autoretrain_client.answers import Model, ModelReport, Page, Strategy

Answer = TypeVar("Answer")


@click.command()
@strategy_argument
@click.argument("version", required=False)
@asks_api
def models(session: Session, strategy: str, version: str | None) -> None:
    """List a strategy's models, or say what there is to one.

    Newest first; with a VERSION, what was concluded of it and why; --json has every figure.
    STRATEGY is an id or a name.

    \b
    Examples:
      autoretrain models "Mean Reversion BTC"
      autoretrain models mean v7
    """
    from autoretrain_client.answers import Page

    named = find(session.client, strategy)
    if version is None:
        found = tuple(session.client.models(named.id))
        strategy_of = partial(session.client.strategy, named.id)
        session.tell(Page(found, next=None), partial(_lines, strategy_of))
    else:
        _, report = _known(named, version, partial(session.client.model, named.id))
        session.tell(report, partial(_report, named))


@click.command()
@strategy_argument
@click.argument("version")
@click.option(
    "--force",
    is_flag=True,
    help="Pin it also if it is live already, or waits and its verdict does not hold any more.",
)
@click.option("--reason", metavar="TEXT", help="Why; it is kept with the activation.")
@asks_api
def activate(
    session: Session, strategy: str, version: str, force: bool, reason: str | None
) -> None:
    """Put a model live by hand.

    The one that waits for approval is approved, any other one is pinned: while a model is
    pinned, nothing else goes live. The one that is live already stays as it is; pinning it needs
    --force. STRATEGY is an id or a name.

    \b
    Examples:
      autoretrain activate "Mean Reversion BTC" v6 --reason "v7 trades too much"
      autoretrain activate mean v8
      autoretrain activate mean v8 --force
    """
    named = find(session.client, strategy)
    ask = partial(session.client.activate, named.id, reason=reason, force=force)
    version, answer = _known(named, version, ask)
    session.tell(answer, partial(_activated, named, version))


@click.command()
@strategy_argument
@asks_api
def unpin(session: Session, strategy: str) -> None:
    """Let the gate decide again what goes live.

    STRATEGY is an id or a name.

    \b
    Example:
      autoretrain unpin "Mean Reversion BTC"
    """
    named = find(session.client, strategy)
    session.tell(session.client.unpin(named.id), _unpinned)


def _known(named: Named, version: str, ask: Callable[[str], Answer]) -> tuple[str, Answer]:
    """What is answered of the version, and its name: where there is no 7, v7 is meant.

    Raises NotFound, with where the versions are listed.
    """
    try:
        return version, ask(version)
    except NotFound as exc:
        if exc.code != "unknown_version":
            raise
        if version.isdecimal():
            return _known(named, f"v{version}", ask)
        told = f"{exc.message}: {named.command('models')} lists them"
        raise NotFound(told, status=exc.status, code=exc.code, request_id=exc.request_id) from exc


def _activated(named: Named, version: str, strategy: Strategy) -> Iterator[str]:
    """What is the case by now, which somebody else may have changed too."""
    live = _live(strategy)
    if live != version:
        yield f"{strategy.name}: {version} is not live: {live} is"
    elif strategy.pin is None:
        pin = named.command("activate", version, "--force")
        yield f"{strategy.name}: {version} is live, and not pinned: {pin} pins it"
    else:
        until = named.command("unpin")
        yield f"{strategy.name}: {version} is live, and pinned: nothing else is until {until}"


def _unpinned(strategy: Strategy) -> Iterator[str]:
    live = _live(strategy)
    yield f"{strategy.name}: not pinned; {live} is live, and the gate decides what follows it"


def _live(strategy: Strategy) -> str:
    if strategy.champion is not None:
        return strategy.champion.version
    return strategy.ml_model_version or "no model"


def _lines(strategy_of: Callable[[], Strategy], page: Page[Model]) -> Iterable[str]:
    if not page.items:
        return ["no models yet"]
    live = any(model.is_active for model in page.items)
    limit_days = strategy_of().settings.model_max_age_days if live else None
    return table([_row(model, limit_days) for model in page.items])


def _row(model: Model, limit_days: float | None) -> dict[str, str]:
    return {
        "version": model.version,
        "state": _state(model, limit_days),
        "made": ago(model.created_at),
        "accuracy": figure(model.accuracy, ".2f"),
        "improvement": figure(model.improvement, "+.2f"),
        "roc-auc": figure(model.roc_auc, ".2f"),
        "judged on": figure(model.judged_rows),
        "verdict": model.line or ABSENT,
    }


def _state(model: Model, limit_days: float | None) -> str:
    if model.is_active:
        return "live, EXPIRED" if expired_since(model, limit_days) else "live"
    return "waits" if model.awaiting_approval else ABSENT


def _report(named: Named, report: ModelReport) -> Iterator[str]:
    yield f"{named.name}, {report.version}"
    yield from details({name: value for name, value in _facts(report).items() if value})
    how = named.command("report", report.version)
    yield f"{how} shows how it was judged, --json every figure"


def _facts(report: ModelReport) -> Mapping[str, str]:
    outcome = (report.outcome or "").replace("_", " ")
    cutoff = f", the last closed {shown(report.data_cutoff)}" if report.data_cutoff else ""
    return {
        "state": _state(report, None).replace(ABSENT, "not live"),
        "made": f"{shown(report.created_at)}, {ago(report.created_at)}",
        "verdict": ": ".join(part for part in (outcome, report.line) if part),
        "judged against": report.rival or "",
        "judged on": f"{figure(report.judged_rows)} trades" if report.judged_rows else "",
        "accuracy": _compared(report.accuracy, report.improvement, ".2f"),
        "log-loss": _compared(report.log_loss, report.log_loss_improvement, ".3f"),
        "ROC-AUC": figure(report.roc_auc, ".2f"),
        "fitted on": f"{figure(report.training_samples)} trades{cutoff}",
        "run": str(report.run_id or ""),
        "sha256": report.sha256,
        "note": "; ".join(_notes(report)),
    }


def _compared(value: float | None, improvement: float | None, style: str) -> str:
    told = figure(value, style)
    return told if improvement is None else f"{told} (improvement {improvement:+{style}})"


def _notes(report: ModelReport) -> Iterator[str]:
    if report.below_base_rate:
        yield "not better than the base rate"
    if report.refit_disagrees:
        yield "fitted anew on all trades it disagreed with what was judged, which is served"
