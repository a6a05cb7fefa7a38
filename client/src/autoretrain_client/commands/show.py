"""`autoretrain show`: all that a person wants to know of one strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from autoretrain_client.commands.naming import Named, find, strategy_argument
from autoretrain_client.commands.printing import ABSENT, ago, details, figure, in_words, shown
from autoretrain_client.commands.progress import stage
from autoretrain_client.commands.session import Session, asks_api

if TYPE_CHECKING:
    from autoretrain_client.answers import Decision, Model, Pin, Run, Settings, Strategy

_RUNS_LOOKED_AT = 3
"""The last failure is among the newest: each of them is another try."""


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
    newest_runs = partial(session.client.runs, named.id, limit=_RUNS_LOOKED_AT)
    session.tell(session.client.strategy(named.id), partial(_lines, named, newest_runs))


def _lines(
    named: Named, newest_runs: Callable[[], Iterator[Run]], strategy: Strategy
) -> Iterator[str]:
    # Asked before anything is printed: an error stands alone.
    failed = _last_failed(newest_runs()) if strategy.failures or strategy.paused_reason else None
    yield f"{strategy.name} ({strategy.id})"
    yield from details(_state(named, strategy, failed))
    if strategy.last_decision is not None:
        yield from _conditions(strategy.last_decision)
    yield "settings"
    yield from details(_settings(strategy.settings))


def _last_failed(runs: Iterator[Run]) -> Run | None:
    return next((run for run in runs if run.status == "failed"), None)


def _state(named: Named, strategy: Strategy, failed: Run | None) -> Mapping[str, str]:
    state = {
        "hourly check": _hourly_check(named, strategy),
        "champion": _champion(strategy),
        "pinned": strategy.pin and _pin(named, strategy.pin),
        "waiting": strategy.waiting and _waiting(named, strategy.waiting),
        "live run": strategy.live_run and _live_run(strategy.live_run),
        "last training": ago(strategy.ml_model_trained_at),
        "failures": strategy.failures and _failures(strategy),
        "last failure": failed and _failure(failed),
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
    champion = strategy.champion
    if champion is None:
        return strategy.ml_model_version or "none: bots use the base rate"
    since = expired_since(champion, strategy.settings.model_max_age_days)
    expired = f"; EXPIRED since {shown(since)}: bots use the base rate" if since else ""
    return f"{champion.version}, {_figures(champion)}{expired}"


def expired_since(model: Model, limit_days: float | None) -> datetime | None:
    """Since when the model is older than the strategy's `model_max_age_days`, None if it is not."""
    if limit_days is None:
        return None
    until = model.created_at + timedelta(days=limit_days)
    return until if until <= datetime.now(UTC) else None


def _figures(model: Model) -> str:
    fitted = f"fitted on {figure(model.training_samples)}, {ago(model.created_at)}"
    told = f"{_judged(model)}; {fitted}"
    return f"{told}; not better than the base rate" if model.below_base_rate else told


def _judged(model: Model) -> str:
    if not model.judged_rows:
        return "not judged"
    return (
        f"accuracy {figure(model.accuracy, '.2f')} ({figure(model.improvement, '+.2f')}),"
        f" ROC-AUC {figure(model.roc_auc, '.2f')}, log-loss {figure(model.log_loss, '.3f')}"
        f" on {figure(model.judged_rows)} trades"
    )


def _pin(named: Named, pin: Pin) -> str:
    by = f" by {pin.by}" if pin.by else ""
    return f"to {pin.version}, {ago(pin.since)}{by}; {named.command('unpin')} lets the gate decide"


def _waiting(named: Named, model: Model) -> str:
    approve = named.command("activate", model.version)
    return f"{model.version}, {model.line or ABSENT}; {approve} approves it"


def _live_run(run: Run) -> str:
    return f"{stage(run)}, asked for {ago(run.queued_at)} ({run.id}): {run.reason or ABSENT}"


def _failures(strategy: Strategy) -> str:
    if strategy.next_eligible_at is None or strategy.paused_reason:
        return str(strategy.failures)
    return f"{strategy.failures}; the next attempt is {ago(strategy.next_eligible_at)}"


def _failure(run: Run) -> str:
    why = f"{run.error.message} ({run.error.code})" if run.error else run.line or ABSENT
    return f"{ago(run.finished_at)} ({run.id}): {why}"


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
