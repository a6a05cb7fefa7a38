"""`autoretrain check` and `train`: ask for a training, and say what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from autoretrain_client.commands.naming import Named, find, strategy_argument
from autoretrain_client.commands.printing import figure, say
from autoretrain_client.commands.progress import Progress, stage
from autoretrain_client.commands.session import Session, asks_api
from autoretrain_client.commands.values import feature_weights
from autoretrain_client.errors import AutoRetrainClientError

if TYPE_CHECKING:
    from autoretrain_client.answers import Problem, Retrain, RetrainedModel, Run

_FOREVER = float("inf")
_NOT_TRAINED = 1


@click.command()
@strategy_argument
@click.option("--force", is_flag=True, help="Train whatever the conditions say.")
@asks_api
def check(session: Session, strategy: str, force: bool) -> None:
    """Check now, and train if a condition fires.

    The gate decides whether the model goes live. STRATEGY is an id or a name.

    The exit code is 1 when a training was wanted and none could be started; a `no` is 0.

    \b
    Examples:
      autoretrain check "Mean Reversion BTC"
      autoretrain check mean --force
    """
    named = find(session.client, strategy)
    answer = session.client.check(named.id, force=force)
    session.tell(answer, partial(_checked, named))
    if answer.should_retrain:
        _leave_unless_trained(answer)


@click.command()
@strategy_argument
@click.option("--wait", is_flag=True, help="Show the progress, and what came of it.")
@click.option("--min-trades", type=int, metavar="N", help="For this training only.")
@click.option(
    "--feature-weight",
    "weights",
    multiple=True,
    metavar="NAME=WEIGHT",
    callback=feature_weights,
    help="For this training only, from 0 to 3; may be given several times.",
)
@asks_api
def train(
    session: Session,
    strategy: str,
    wait: bool,
    min_trades: int | None,
    weights: dict[str, float] | None,
) -> None:
    """Train now, by hand.

    The model goes live unless it is significantly worse. STRATEGY is an id or a name.

    The exit code is 1 when no training could be started, and with --wait also when the training
    failed, or trained nothing: too few trades, or none that are new. Ctrl-C stops the waiting, not
    the training.

    \b
    Examples:
      autoretrain train "Mean Reversion BTC" --wait
      autoretrain train mean --min-trades 80 --feature-weight rsi=1.2 --feature-weight atr=0
    """
    named = find(session.client, strategy)
    ask = partial(session.client.train, named.id, min_trades=min_trades, feature_weights=weights)
    if wait:
        with _watching(named) as progress:
            answer = ask(wait_seconds=_FOREVER, on_progress=progress)
    else:
        answer = ask()
    session.tell(answer, partial(_outcome, named))
    _leave_unless_trained(answer)


@contextmanager
def _watching(named: Named) -> Iterator[Progress]:
    """Whoever stops waiting, or has to, hears that the training goes on."""
    progress = Progress(named.name)
    try:
        yield progress
    except (KeyboardInterrupt, AutoRetrainClientError):
        progress.clear()
        if progress.run is not None and not progress.run.ended:
            told = "not waiting any more; the training goes on. Cancel it with"
            say([f"{told} `autoretrain cancel {progress.run.id}`"], err=True)
        raise
    progress.clear()


def _leave_unless_trained(answer: Retrain) -> None:
    """A run that nobody waits for may still train."""
    run = answer.training_run
    if run is None or (run.ended and (run.status != "succeeded" or run.model_version is None)):
        raise click.exceptions.Exit(_NOT_TRAINED)


def _checked(named: Named, answer: Retrain) -> Iterator[str]:
    yield f"{'retrain' if answer.should_retrain else 'no'}: {answer.reason}"
    if answer.should_retrain:
        yield from _outcome(named, answer)


def _outcome(named: Named, answer: Retrain) -> Iterator[str]:
    run, why_not = answer.training_run, answer.not_started
    if run is None:
        yield f"not started: {why_not.message if why_not else answer.reason}"
        return
    if why_not is not None:
        yield f"note: {_note(why_not)}"
    if not run.ended:
        yield f"{named.name}: {stage(run)} ({run.id})"
        yield f"{named.command('runs')} shows what comes of it; {_how_to_cancel(run)}"
    elif answer.model is not None:
        yield _model(answer.model)
    else:
        yield _ended(run)


def _note(why_not: Problem) -> str:
    if why_not.code == "live_run":
        return "a training was on its way already, and this is about that one"
    return why_not.message


def _how_to_cancel(run: Run) -> str:
    return f"`autoretrain cancel {run.id}` cancels it"


def _ended(run: Run) -> str:
    """What came of a run that has no model to tell of."""
    if run.error is not None:
        return f"{run.status}: {run.error.message} ({run.error.code})"
    ended = "not trained" if run.status == "succeeded" else run.status
    told = run.line or (run.outcome or "").replace("_", " ")
    return f"{ended}: {told}" if told else ended


def _model(model: RetrainedModel) -> str:
    told = f"{model.version} {'is live' if model.activated else 'is stored, and not live'}"
    if model.accuracy is not None:
        told += f": accuracy {model.accuracy:.2f} ({figure(model.improvement, '+.2f')})"
    if model.line:
        told += f"; {model.line}"
    return f"{told}; not better than the base rate" if model.below_base_rate else told
