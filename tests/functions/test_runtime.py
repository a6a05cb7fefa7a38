"""The built functions in the runtime that AWS runs them in, against the local stack's services."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from autoretrain_local.token_file import local_token
from tests.functions.conftest import Running, event, now
from tests.functions.lambda_runtime import BuiltFunctions


def said(answer: Any, status: int) -> Any:
    assert answer["statusCode"] == status, answer
    return json.loads(answer["body"])


def test_authorizer_lets_in_whoever_has_a_token(
    running: Running, built: BuiltFunctions, tmp_path: Path
) -> None:
    token = local_token(running.world.url, tmp_path)
    sample = event("authorizer")

    with built.deployed("AuthorizerFunction") as ask:
        known = ask(sample | {"identitySource": [f"Bearer {token}"]})
        unknown = ask(sample)

    assert known["isAuthorized"] is True
    assert known["context"]["user_id"] == str(UUID(int=1))
    assert known["context"]["scopes"] == "read retrain manage"
    assert known["context"]["token_id"] == token.split("_")[1]
    assert unknown["isAuthorized"] is False


def test_api_trains_when_it_is_told_to(running: Running, built: BuiltFunctions) -> None:
    sample = event("api_retrain")
    strategy = running.due("due", strategy_id=UUID(sample["pathParameters"]["id"]))

    answer = said(built.invoke("RetrainFunction", sample), 202)

    assert (answer["should_retrain"], answer["retrained"]) == (True, False)
    running.stack.settle()
    (run,) = running.runs(strategy)
    assert (str(run.id), run.status) == (answer["training_run"]["id"], "succeeded")


def test_dispatcher_has_every_strategy_checked(running: Running, built: BuiltFunctions) -> None:
    strategy = running.due("due")

    answer = built.invoke("DispatcherFunction", event("scheduled") | {"time": now()})

    assert answer["checking"] == 1
    running.stack.settle()
    (run,) = running.runs(strategy)
    assert run.status == "succeeded"


def test_condition_check_launches_a_trainer(running: Running, built: BuiltFunctions) -> None:
    strategy = running.due("due")
    hour = now()[:13] + ":00:00+00:00"

    answer = built.invoke("ConditionCheckFunction", {"strategy_ids": [str(strategy)], "slot": hour})

    assert answer == {"checked": 1, "stale": False}
    running.stack.settle()
    assert [run.status for run in running.runs(strategy)] == ["succeeded"]
