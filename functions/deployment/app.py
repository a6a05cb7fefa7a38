"""CloudFormation's custom resources: the database's schema, and the image that Fargate runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Timer
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from autoretrain.aws.cloudformation import LONGEST_SECONDS, Answer, Waiting
from autoretrain.errors import AutoRetrainError, BadSetting
from autoretrain.logs import RedactingFormatter, redact
from autoretrain.services.deploy import Deployed, Deployment
from autoretrain.settings import DeploymentSettings, read

SPARE_SECONDS = 1.0
DIED = Answer(False, "the function ended before its work was done: its log says why", {})
TOO_LATE = Answer(
    False,
    "the function's time is over before its work was done: see what keeps the database busy, then"
    " deploy again",
    {},
)
LET_GO = Answer(True, "there is nothing to delete: the database and the images stay", {})

logger = Logger(logger_formatter=RedactingFormatter())


@cache
def deployment() -> Deployment:
    # Not before there is somebody to answer: what cannot be loaded is told like all the rest.
    from autoretrain import bootstrap

    return bootstrap.deployment(read(DeploymentSettings, os.environ))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Always answer CloudFormation, which waits for an hour where nobody does; returns what it was
    told."""
    waiting = Waiting(event)
    answer = DIED
    with _answered_in_time(waiting, context):
        try:
            answer = answer_to(event)
        finally:
            _tell(waiting, answer)
    return dict(waiting.told or {})


def answer_to(event: dict[str, Any]) -> Answer:
    try:
        if event["RequestType"] == "Delete":
            return LET_GO
        deployed = asked(event["ResourceType"], event["ResourceProperties"])
    except AutoRetrainError as exc:
        return Answer(False, redact(str(exc)), {})
    except Exception as exc:
        logger.exception("auto-retrain deployment failed")
        return Answer(False, redact(f"{type(exc).__name__}: {exc}; the log has more"), {})
    return Answer(True, redact(deployed.line), deployed.attributes)


def asked(resource: str, properties: dict[str, Any]) -> Deployed:
    match resource:
        case "Custom::DatabaseSchema":
            return deployment().database_schema(migrate=flag(properties, "Migrate"))
        case "Custom::TrainerImage":
            return deployment().trainer_image(text(properties, "FunctionVersionArn"))
    raise BadSetting(f"{resource} is unknown here: see template.yaml")


def text(properties: dict[str, Any], name: str) -> str:
    value = properties.get(name)
    if not isinstance(value, str) or not value:
        raise BadSetting(f"the property {name} is missing")
    return value


def flag(properties: dict[str, Any], name: str) -> bool:
    """CloudFormation hands everything over as text."""
    told = text(properties, name)
    if told not in ("true", "false"):
        raise BadSetting(f"the property {name} must be true or false")
    return told == "true"


@contextmanager
def _answered_in_time(waiting: Waiting, context: LambdaContext) -> Iterator[None]:
    """A function whose time is over is killed where it stands. What it was doing to the database is
    then rolled back, or done: both are fine for the next deployment."""
    seconds = context.get_remaining_time_in_millis() / 1000 - LONGEST_SECONDS - SPARE_SECONDS
    timer = Timer(max(seconds, 0), _tell, (waiting, TOO_LATE))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # an answer that has begun is finished before Lambda freezes the process


def _tell(waiting: Waiting, answer: Answer) -> None:
    told = {"succeeded": answer.succeeded, "why": answer.reason}
    log = logger.info if answer.succeeded else logger.error
    log("auto-retrain deployment", extra=told)
    try:
        waiting.answer(answer)
    except AutoRetrainError as exc:
        logger.error("auto-retrain deployment not answered", extra={"why": str(exc)})
