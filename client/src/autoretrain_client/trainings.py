"""Asks for trainings and waits for them, by either client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any
from uuid import uuid4

from autoretrain_client import calls
from autoretrain_client.answers import Retrain, RetrainedModel, Run
from autoretrain_client.calls import Call, Id, given, reads
from autoretrain_client.talks import Pause, Talk, ask

Progress = Callable[[Run], object]

POLL_SECONDS = 1.0


def check(
    strategy_id: Id,
    *,
    force: bool = False,
    wait_seconds: float = 0.0,
    on_progress: Progress | None = None,
) -> Talk[Retrain]:
    """Check now, and train if a condition fires or with `force`.

    Waits up to `wait_seconds` for the training to end; `on_progress` hears of it once a second.
    """
    call = _training(calls.of_strategy(strategy_id, "auto-retrain"), force=force)
    return _finished(call, strategy_id, wait_seconds, on_progress)


def retrain(
    strategy_id: Id,
    *,
    min_trades: int | None = None,
    feature_weights: Mapping[str, float] | None = None,
    reason: str | None = None,
    wait_seconds: float = 0.0,
    on_progress: Progress | None = None,
) -> Talk[Retrain]:
    """Train now; the gate decides whether the model goes live. Waits as `check` does.

    `min_trades` and `feature_weights` hold for this training only.
    """
    call = _training(
        "/auto-retrain",
        strategy_id=str(strategy_id),
        min_trades=min_trades,
        feature_weights=feature_weights and dict(feature_weights),
        reason=reason,
    )
    return _finished(call, strategy_id, wait_seconds, on_progress)


def train(
    strategy_id: Id,
    *,
    min_trades: int | None = None,
    feature_weights: Mapping[str, float] | None = None,
    wait_seconds: float = 0.0,
    on_progress: Progress | None = None,
) -> Talk[Retrain]:
    """Train now, by hand: the model goes live unless it is significantly worse.

    `min_trades` and `feature_weights` hold for this training only. Waits as `check` does.
    """
    call = _training(
        "/train-strategy",
        strategy_id=str(strategy_id),
        min_trades=min_trades,
        feature_weights=feature_weights and dict(feature_weights),
    )
    return _finished(call, strategy_id, wait_seconds, on_progress)


def wait(
    run_id: Id, *, on_progress: Progress | None = None, at_most_seconds: float = float("inf")
) -> Talk[Run]:
    """The run once it has ended, or as it stands after `at_most_seconds`.

    `on_progress` hears of it about once a second.
    """
    until = monotonic() + at_most_seconds
    while True:
        run = yield from ask(calls.run(run_id))
        if on_progress is not None:
            on_progress(run)
        left = until - monotonic()
        if run.ended or left <= 0:
            return run
        yield Pause(min(POLL_SECONDS, left))


def _training(path: str, **body: Any) -> Call[Retrain]:
    """However often the call is sent, its key makes one run of it."""
    key = {"Idempotency-Key": uuid4().hex}
    return Call("POST", path, reads(Retrain), body=given(**body), headers=key)


def _finished(
    call: Call[Retrain], strategy_id: Id, wait_seconds: float, on_progress: Progress | None
) -> Talk[Retrain]:
    # With nobody to hear of the progress, the server does the first part of the waiting.
    until = monotonic() + wait_seconds
    asked = yield from ask(call if on_progress else call.waiting(wait_seconds))
    if wait_seconds <= 0 or asked.training_run is None or asked.training_run.ended:
        return asked
    run = yield from wait(
        asked.training_run.id, on_progress=on_progress, at_most_seconds=until - monotonic()
    )
    return (yield from _with_outcome(asked, strategy_id, run))


def _with_outcome(asked: Retrain, strategy_id: Id, run: Run) -> Talk[Retrain]:
    """What the server would have answered, had it waited until now."""
    if run.status != "succeeded" or run.model_version is None:
        return replace(asked, training_run=run)
    report = yield from ask(calls.model(strategy_id, run.model_version))
    model = RetrainedModel(
        version=report.version,
        accuracy=report.accuracy,
        improvement=report.improvement,
        activated=run.activated,
        outcome=report.outcome,
        line=report.line,
        log_loss_improvement=report.log_loss_improvement,
        judged_rows=report.judged_rows,
        below_base_rate=report.below_base_rate,
    )
    return replace(asked, training_run=run, retrained=True, model=model)
