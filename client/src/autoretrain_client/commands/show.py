"""`autoretrain show`: all that a person wants to know of one strategy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING

import click

from autoretrain_client.commands.naming import Named, find, strategy_argument
from autoretrain_client.commands.printing import ABSENT, ago, details, figure, in_words
from autoretrain_client.commands.progress import stage
from autoretrain_client.commands.session import Session, asks_api

if TYPE_CHECKING:
    from autoretrain_client.answers import Decision, Model, Pin, Run, Settings, Strategy


@click.command()
@strategy_argument
@asks_api
def show(session: Session, strategy: str) -> None:
    """Show all that matters of a strategy.

    Its models, why it was or was not retrained, its settings. STRATEGY is an id, a name, or as
    much of a name as no other one has.

    \b
    Examples:
      autoretrain show "Mean Reversion BTC"
      autoretrain show mean --json
    """
    named = find(session.client, strategy)
    session.tell(session.client.strategy(named.id), partial(_lines, named))


def _lines(named: Named, strategy: Strategy) -> Iterator[str]:
    yield f"{strategy.name} ({strategy.id})"
    yield from details(_state(named, strategy))
    if strategy.last_decision is not None:
        yield from _conditions(strategy.last_decision)
    yield "settings"
    yield from details(_settings(strategy.settings))


def _state(named: Named, strategy: Strategy) -> Mapping[str, str]:
    state = {
        "hourly check": _hourly_check(named, strategy),
        "champion": _champion(strategy),
        "pinned": strategy.pin and _pin(named, strategy.pin),
        "waiting": strategy.waiting and _waiting(named, strategy.waiting),
        "live run": strategy.live_run and _live_run(strategy.live_run),
        "last training": ago(strategy.ml_model_trained_at),
        "failures": strategy.failures and _failures(strategy),
        "last decision": _decision(strategy.last_decision),
    }
    return {name: value for name, value in state.items() if value}


def _hourly_check(named: Named, strategy: Strategy) -> str:
    if strategy.paused_reason:
        return f"paused: {strategy.paused_reason}; {named.command('resume')} takes it up again"
    return why_off(named, strategy) or "on"


def why_off(named: Named, strategy: Strategy) -> str | None:
    """Why no hourly check looks at the strategy, None where one does."""
    if not strategy.is_active:
        return "off: the strategy is not active"
    if not strategy.settings.ml_training_enabled:
        return f"off; {named.command('set', 'ml_training_enabled=true')} switches it on"
    return None


def _champion(strategy: Strategy) -> str:
    if strategy.champion is not None:
        return f"{strategy.champion.version}, {_figures(strategy.champion)}"
    return strategy.ml_model_version or "none: bots use the base rate"


def _figures(model: Model) -> str:
    told = (
        f"accuracy {figure(model.accuracy, '.2f')} ({figure(model.improvement, '+.2f')}),"
        f" ROC-AUC {figure(model.roc_auc, '.2f')}, log-loss {figure(model.log_loss, '.3f')}"
        f" on {figure(model.judged_rows)} trades; fitted on {figure(model.training_samples)},"
        f" {ago(model.created_at)}"
    )
    return f"{told}; not better than the base rate" if model.below_base_rate else told


def _pin(named: Named, pin: Pin) -> str:
    by = f" by {pin.by}" if pin.by else ""
    return f"to {pin.version}, {ago(pin.since)}{by}; {named.command('unpin')} lets the gate decide"


def _waiting(named: Named, model: Model) -> str:
    approve = named.command("activate", model.version)
    return f"{model.version}, {model.line or ABSENT}; {approve} approves it"


def _live_run(run: Run) -> str:
    return f"{stage(run)}, asked for {ago(run.queued_at)} ({run.id}): {run.reason or ABSENT}"


def _failures(strategy: Strategy) -> str:
    if strategy.next_eligible_at is None:
        return str(strategy.failures)
    return f"{strategy.failures}; the next attempt is {ago(strategy.next_eligible_at)}"


def _decision(decision: Decision | None) -> str:
    if decision is None:
        return "none yet"
    answer = "retrain" if decision.should_retrain else "no"
    return f"{answer}, {ago(decision.decided_at)}: {decision.reason}"


def _conditions(decision: Decision) -> Iterator[str]:
    for condition in decision.conditions:
        mark = "✓" if condition.fired else "·"
        yield f"    {mark} {condition.name.replace('_', ' ')}: {condition.line}"


def _settings(settings: Settings) -> Mapping[str, str]:
    return {item.name: in_words(getattr(settings, item.name)) for item in fields(settings)}
