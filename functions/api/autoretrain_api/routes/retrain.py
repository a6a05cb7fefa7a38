"""The three ways to ask for a training; all of them answer in the same shape."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from aws_lambda_powertools.event_handler import Request, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body as BodyParameter
from pydantic import BaseModel

from autoretrain.domain.access import Caller
from autoretrain.domain.runs import LIVE
from autoretrain.domain.work import Idempotency, Wish
from autoretrain.services.retrain import Asked
from autoretrain_api.allowed import Id, IdempotencyKey, Prefer
from autoretrain_api.answers import Failure, Retrain, RetrainedModel, Run
from autoretrain_api.callers import Retrainer
from autoretrain_api.described import BODY, CONFLICT, NAMED, described
from autoretrain_api.headers import JSON, preferred_wait, seconds_left
from autoretrain_api.log import tell
from autoretrain_api.openly import openly
from autoretrain_api.people import people
from autoretrain_api.requests import CheckRequest, ManualTrainRequest, TrainRequest

ANSWERS = {
    200: "The run has ended, or none was needed",
    202: "The run is on its way: look again, or ask with `Prefer: wait=25`",
}
REFUSES = NAMED + BODY + CONFLICT
PLAIN_CHECK = CheckRequest()

router = Router()  # type: ignore[no-untyped-call]


@router.post(
    "/api/ai-strategies/<id>/auto-retrain",
    **described(
        "checkStrategy",
        "Check now, and train if a condition fires",
        "retrain",
        answers=ANSWERS,
        refuses=REFUSES,
    ),
)
def check(
    request: Request,
    caller: Retrainer,
    strategy_id: Id,
    body: Annotated[CheckRequest, BodyParameter()] = PLAIN_CHECK,
    prefer: Prefer = "",
    idempotency_key: IdempotencyKey = None,
) -> Response[Retrain]:
    once = _idempotency(request, idempotency_key, body)
    asked = people().retraining.check(
        caller.user_id, strategy_id, force=body.force, idempotency=once
    )
    tell("check", caller, strategy_id=strategy_id, run_id=asked.run_id, force=body.force)
    return _answer(request, caller, asked, prefer)


@router.post(
    "/auto-retrain",
    **described(
        "trainStrategy",
        "Train now, through the gate",
        "retrain",
        answers=ANSWERS,
        refuses=REFUSES,
    ),
)
def train(
    request: Request,
    caller: Retrainer,
    body: Annotated[TrainRequest, BodyParameter()],
    prefer: Prefer = "",
    idempotency_key: IdempotencyKey = None,
) -> Response[Retrain]:
    return _train(
        request, caller, body, body.reason or "asked for", prefer, idempotency_key, manual=False
    )


@router.post(
    "/train-strategy",
    **described(
        "trainStrategyByHand",
        "Train by hand: a person outranks the gate",
        "retrain",
        answers=ANSWERS,
        refuses=REFUSES,
    ),
)
def train_by_hand(
    request: Request,
    caller: Retrainer,
    body: Annotated[ManualTrainRequest, BodyParameter()],
    prefer: Prefer = "",
    idempotency_key: IdempotencyKey = None,
) -> Response[Retrain]:
    return _train(request, caller, body, "trained by hand", prefer, idempotency_key, manual=True)


def _train(
    request: Request,
    caller: Caller,
    body: TrainRequest | ManualTrainRequest,
    reason: str,
    prefer: str,
    key: str | None,
    *,
    manual: bool,
) -> Response[Retrain]:
    wish = Wish(
        strategy_id=body.strategy_id,
        manual=manual,
        reason=reason,
        min_trades=body.min_trades,
        feature_weights=body.feature_weights,
    )
    once = _idempotency(request, key, body)
    asked = people().retraining.train(caller.user_id, wish, once)
    tell("train", caller, strategy_id=body.strategy_id, run_id=asked.run_id, manual=manual)
    return _answer(request, caller, asked, prefer)


def _idempotency(request: Request, key: str | None, body: BaseModel) -> Idempotency | None:
    """What tells a repeated request from another one with the same key."""
    if key is None:
        return None
    meant = json.dumps(body.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    asked = f"{request.method} {request.resolved_event.path} {meant}"
    return Idempotency(key, hashlib.sha256(asked.encode()).hexdigest())


def _answer(request: Request, caller: Caller, asked: Asked, prefer: str) -> Response[Retrain]:
    seconds = preferred_wait(prefer)
    applied = {} if seconds is None else {"Preference-Applied": f"wait={seconds}"}
    run, model = None, None
    if asked.run_id is not None:
        left = seconds_left(request.resolved_event["requestContext"])
        people().retraining.wait(caller.user_id, asked.run_id, min(seconds or 0, left))
        run = Run.of(people().reading.run(caller.user_id, asked.run_id))
        model = people().reading.retrain_model(caller.user_id, asked.run_id)
    why_not = asked.not_started
    told = Retrain(
        should_retrain=asked.should_retrain,
        reason=asked.reason,
        retrained=model is not None,
        model=RetrainedModel.of(model) if model is not None else None,
        training_run=run,
        not_started=Failure(code=why_not.code, message=openly(why_not.code, why_not.line))
        if why_not
        else None,
    )
    is_live = run is not None and run.status in LIVE
    return Response(202 if is_live else 200, JSON, told, applied)
