"""Strategies: the list, one with all that is going on, its settings, its histories."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body as BodyParameter

from autoretrain.domain.access import Caller
from autoretrain_api.allowed import Cursor, Id, Limit, Search, Sort, Weeks
from autoretrain_api.answers import (
    ActivationPage,
    DecisionPage,
    Performance,
    RunPage,
    Strategy,
    StrategyPage,
    Week,
)
from autoretrain_api.callers import Keeper, Reader
from autoretrain_api.described import BODY, CHECKED, CONFLICT, NAMED, described
from autoretrain_api.log import tell
from autoretrain_api.people import people
from autoretrain_api.requests import SettingsRequest

router = Router()  # type: ignore[no-untyped-call]


@router.get(
    "/api/ai-strategies",
    **described("listStrategies", "The caller's strategies", "strategies", refuses=CHECKED),
)
def strategies(
    caller: Reader,
    search: Search = "",
    sort: Sort = "name",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> StrategyPage:
    page = people().reading.strategies(caller.user_id, search, sort, limit, cursor)
    return StrategyPage.of(page)


@router.get(
    "/api/ai-strategies/<id>",
    **described(
        "getStrategy",
        "A strategy: champion, last decision, live run",
        "strategies",
        refuses=NAMED + CHECKED,
    ),
)
def strategy(caller: Reader, strategy_id: Id) -> Strategy:
    return strategy_now(caller, strategy_id)


@router.patch(
    "/api/ai-strategies/<id>",
    **described(
        "changeSettings",
        "Change some of the settings",
        "strategies",
        refuses=NAMED + BODY + CONFLICT,
    ),
)
def change_settings(
    caller: Keeper, strategy_id: Id, body: Annotated[SettingsRequest, BodyParameter()]
) -> Strategy:
    changes = body.changes()
    people().control.change_settings(caller.user_id, strategy_id, changes)
    tell("change settings", caller, strategy_id=strategy_id, settings=sorted(changes))
    return strategy_now(caller, strategy_id)


@router.post(
    "/api/ai-strategies/<id>/resume",
    **described(
        "resumeStrategy",
        "Take a paused strategy up again",
        "strategies",
        refuses=NAMED + BODY,
    ),
)
def resume(caller: Keeper, strategy_id: Id) -> Strategy:
    people().control.resume(caller.user_id, strategy_id)
    tell("resume", caller, strategy_id=strategy_id)
    return strategy_now(caller, strategy_id)


@router.get(
    "/api/ai-strategies/<id>/decisions",
    **described(
        "listDecisions",
        "What the checks concluded, newest first",
        "strategies",
        refuses=NAMED + CHECKED,
    ),
)
def decisions(
    caller: Reader, strategy_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> DecisionPage:
    page = people().reading.decisions(caller.user_id, strategy_id, limit, cursor)
    return DecisionPage.of(page)


@router.get(
    "/api/ai-strategies/<id>/activations",
    **described(
        "listActivations",
        "What was active when, newest first",
        "strategies",
        refuses=NAMED + CHECKED,
    ),
)
def activations(
    caller: Reader, strategy_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> ActivationPage:
    page = people().reading.activations(caller.user_id, strategy_id, limit, cursor)
    return ActivationPage.of(page)


@router.get(
    "/api/ai-strategies/<id>/training-runs",
    **described("listRuns", "The trainings, newest first", "strategies", refuses=NAMED + CHECKED),
)
def runs(caller: Reader, strategy_id: Id, limit: Limit = 50, cursor: Cursor = None) -> RunPage:
    return RunPage.of(people().reading.runs(caller.user_id, strategy_id, limit, cursor))


@router.get(
    "/api/ai-strategies/<id>/performance",
    **described(
        "getPerformance",
        "How the trades went, week by week",
        "strategies",
        refuses=NAMED + CHECKED,
    ),
)
def performance(caller: Reader, strategy_id: Id, weeks: Weeks = 26) -> Performance:
    found = people().reading.performance(caller.user_id, strategy_id, weeks)
    return Performance(weeks=[Week.of(week) for week in found])


def strategy_now(caller: Caller, strategy_id: UUID) -> Strategy:
    return Strategy.of(people().reading.strategy(caller.user_id, strategy_id))
