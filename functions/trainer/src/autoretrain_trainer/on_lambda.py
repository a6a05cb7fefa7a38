"""The trainer as a function: an event in, what was trained in words out.

{"strategy": …} asks for a training of the strategy with that id or name, {"run_id": …} takes that
run, {} the oldest one; then the queue is worked down, as by every trainer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Event, Timer
from typing import Any
from uuid import UUID

from aws_lambda_powertools.utilities.typing import LambdaContext

from autoretrain.bootstrap import database
from autoretrain.domain.work import NotClaimed
from autoretrain.errors import BadSetting, Unknown
from autoretrain.incoming import text
from autoretrain.metrics import emit
from autoretrain.services.train import (
    Cancelled,
    Failed,
    Finished,
    GivenBack,
    Started,
    Trainer,
    TrainingEvent,
)
from autoretrain.settings import TrainerSettings, read
from autoretrain.storage.wishes import WishBooks
from autoretrain_trainer.__main__ import figures_of, logger, tell, tell_progress
from autoretrain_trainer.bootstrap import trainer

GIVE_BACK_SECONDS = 30.0
"""What a training needs to end at its next boosting round and go back to the queue."""
REASON = "asked for by hand"
DONE, NOTHING = "the queue is worked down", "nothing is queued"
TOO_LATE = "Lambda's time is over: what is left stays in the queue"


@cache
def working() -> Trainer:
    return trainer(read(TrainerSettings, os.environ), tell_progress)


@cache
def wishes() -> WishBooks:
    return WishBooks(database(read(TrainerSettings, os.environ).database_secret_arn))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Raises OperatorError for an event that names nothing here, DependencyError."""
    stop = Event()
    run_id, waits_for = asked(event)
    with _stopped_in_time(stop, context):
        outcomes = []
        for trained in working().work(run_id, None, stop):
            tell(trained)
            emit(logger, figures_of(trained))
            if not isinstance(trained, Started):
                outcomes.append(told(trained))
        said = TOO_LATE if stop.is_set() else waits_for or (DONE if outcomes else NOTHING)
    return {"said": said, "trainings": outcomes}


def asked(event: dict[str, Any]) -> tuple[UUID | None, str]:
    """The run to begin with, and what keeps a wish from having a run of its own."""
    if not isinstance(event, dict):
        raise BadSetting("the event must be a JSON object")
    if "strategy" not in event:
        return (run_of(event["run_id"]) if "run_id" in event else None), ""
    strategy_id = strategy_of(event["strategy"])
    try:
        claim = wishes().queue(strategy_id, REASON)
    except Unknown as exc:
        raise BadSetting(
            f"no strategy has the id {strategy_id}: name one of yours in the event, as"
            " ai_strategies or `autoretrain strategies` lists them"
        ) from exc
    if isinstance(claim, NotClaimed):
        return claim.live_run, claim.line
    return claim.run_id, ""


def run_of(given: object) -> UUID:
    run_id = as_id(given)
    if run_id is None:
        raise BadSetting("run_id of the event must be an id, a UUID")
    return run_id


def strategy_of(given: object) -> UUID:
    """The strategy of that id, which need not be there, else the only one of that name."""
    if (strategy_id := as_id(given)) is not None:
        return strategy_id
    try:
        name = text(given)
    except (TypeError, ValueError) as exc:
        raise BadSetting("strategy of the event must be an id or a name") from exc
    found = wishes().called(name)
    if len(found) != 1:
        raise BadSetting(
            f"{len(found) or 'no'} strategies are called {name}: name one by its id, as"
            " ai_strategies or `autoretrain strategies --json` lists them"
        )
    return found[0]


def as_id(given: object) -> UUID | None:
    """None for what is no UUID."""
    try:
        return UUID(given) if isinstance(given, str) else None
    except ValueError:
        return None


def told(ended: TrainingEvent) -> dict[str, Any]:
    assignment = ended.assignment
    return {
        "strategy_id": str(assignment.strategy_id),
        "strategy": assignment.strategy_name,
        "run_id": str(assignment.run_id),
        "said": in_words(ended),
    }


def in_words(ended: TrainingEvent) -> str:
    match ended:
        case Finished(_, published) if published.version is None:
            return f"no model: {published.line}"
        case Finished(_, published) if published.activated:
            return f"{published.version} is active: {published.line}"
        case Finished(_, published):
            active = published.previous_version or "no model"
            return f"{published.version} is stored, {active} stays active: {published.line}"
        case Failed(_, code, message):
            return f"failed ({code}): {message}"
        case GivenBack(_, code, message):
            return f"given back to the queue ({code}): {message}"
        case Cancelled():
            return "cancelled"
        case Started():
            return "started"


@contextmanager
def _stopped_in_time(stop: Event, context: LambdaContext) -> Iterator[None]:
    """The run that Lambda's time is too short for goes back to the queue, as in any task."""
    seconds = context.get_remaining_time_in_millis() / 1000 - GIVE_BACK_SECONDS
    timer = Timer(max(seconds, 0), stop.set)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
