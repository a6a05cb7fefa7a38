"""Checks the strategies that an event names, and starts the trainings that are due."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from autoretrain import bootstrap
from autoretrain.domain.conditions import Decision
from autoretrain.domain.work import Claimed, NotClaimed
from autoretrain.errors import DependencyError
from autoretrain.incoming import hour, text, understood
from autoretrain.logs import RedactingFormatter
from autoretrain.metrics import CHECKS, DECISIONS, LAUNCH_FAILURES, Metric, emit
from autoretrain.services.check import Checked, Checker
from autoretrain.services.launch import LaunchOutcome
from autoretrain.settings import ConditionCheckSettings, read

logger = Logger(logger_formatter=RedactingFormatter())

LOUDER = {
    LaunchOutcome.REFUSED: logger.error,
    LaunchOutcome.STOPPED: logger.warning,
    LaunchOutcome.UNAVAILABLE: logger.warning,
    LaunchOutcome.UNKNOWN: logger.warning,
}


@cache
def checker() -> Checker:
    return bootstrap.checker(read(ConditionCheckSettings, os.environ))


def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Check once per slot; an event that comes too late is dropped, the next tick has been."""
    wanted = understood(wanted_of, event, logger)
    if wanted is None:
        return {"checked": 0, "stale": False}
    strategy_ids, slot = wanted
    checked = checker().check(strategy_ids, slot)
    if checked is None:
        logger.warning("auto-retrain stale event dropped", extra={"slot": slot})
        return {"checked": 0, "stale": True}
    for one in checked:
        tell(one)
    emit(logger, figures_of(checked))
    for one in checked:
        if isinstance(one.error, DependencyError):
            raise one.error  # Lambda tries again; what was done for the others stays done once
    return {"checked": len(checked), "stale": False}


def wanted_of(event: dict[str, Any]) -> tuple[list[UUID], datetime]:
    """The dispatcher says for which tick; a person may say now."""
    return [UUID(text(one)) for one in event["strategy_ids"]], hour(event["slot"])


def figures_of(checked: list[Checked]) -> dict[Metric, float]:
    outcomes = Counter(one.decision.outcome for one in checked if one.decision is not None)
    failures = sum(one.launch is not None and one.launch.outcome in LOUDER for one in checked)
    figures: dict[Metric, float] = {CHECKS: len(checked), LAUNCH_FAILURES: failures}
    return figures | {DECISIONS.of(outcome): count for outcome, count in outcomes.items()}


def tell(checked: Checked) -> None:
    names = {"strategy_id": checked.snapshot.strategy_id, "strategy": checked.snapshot.name}
    if checked.decision is not None:
        told = _decision(checked.decision, checked.claim)
        logger.info("auto-retrain decision", extra=names | told)
    if isinstance(checked.claim, NotClaimed):
        claim = checked.claim
        told = {"code": claim.code, "why": claim.line, "run_id": claim.live_run}
        logger.info("auto-retrain not started", extra=names | told)
    if checked.error is not None:
        told = {"code": checked.error.code, "why": str(checked.error)}
        logger.error("auto-retrain check failed", extra=names | told)
    if checked.launch is not None:
        launch = checked.launch
        told = {"outcome": launch.outcome, "task_arn": launch.task_arn, "why": launch.message}
        log = LOUDER.get(launch.outcome, logger.info)
        log("auto-retrain launch", extra=names | {"run_id": launch.run_id} | told)


def _decision(decision: Decision, claim: Claimed | NotClaimed | None) -> dict[str, Any]:
    return {
        "should_retrain": decision.should_retrain,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "conditions": {condition.name: condition.line for condition in decision.conditions},
        "run_id": claim.run_id if isinstance(claim, Claimed) else None,
    }
