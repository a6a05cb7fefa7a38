"""Every function by `sam local invoke`: in a container, on a stack that is up on this machine.

In the order in which one strategy lives through it: trained by hand, then checked every hour.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from autoretrain_local.containers import bridge, door
from autoretrain_local.template import TEMPLATE, load
from tests.functions.conftest import now
from tests.sam_local.conftest import Stack, sample

LOCAL_USER = UUID(int=1)


def momentum(stack: Stack) -> Any:
    (strategy,) = stack.world.run("SELECT * FROM public.ai_strategies WHERE name = 'momentum'")
    return strategy


def test_every_function_is_invoked_here() -> None:
    resources = load(TEMPLATE)["Resources"]
    functions = {
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert set(re.findall(r'"(\w+Function)"', Path(__file__).read_text())) == functions


def test_trainer_trains_a_model_and_activates_it(stack: Stack) -> None:
    answer = stack.invoke("TrainerFunction", sample("training_run"))

    strategy = momentum(stack)
    (trained,) = answer["trainings"]
    assert trained["said"].startswith("v1 is active")
    (model,) = stack.world.run(
        "SELECT * FROM autoretrain.models WHERE strategy_id = %s", strategy.id
    )
    assert (model.version, model.is_active) == ("v1", True)
    assert strategy.ml_model_trained_at is not None


def test_dispatcher_has_every_strategy_checked(stack: Stack) -> None:
    answer = stack.invoke("DispatcherFunction", sample("scheduled"))
    assert answer["checking"] == 1


def test_condition_check_decides_on_the_strategy(stack: Stack) -> None:
    strategy, hour = momentum(stack), now()[:13] + ":00:00+00:00"
    answer = stack.invoke(
        "ConditionCheckFunction", {"strategy_ids": [str(strategy.id)], "slot": hour}
    )
    assert answer == {"checked": 1, "stale": False}
    (decision,) = stack.world.run(
        "SELECT * FROM autoretrain.current_decisions WHERE strategy_id = %s", strategy.id
    )
    assert decision.slot.isoformat() == hour


def test_retrain_starts_a_trainer_of_the_stack(stack: Stack) -> None:
    asked = sample("api_retrain")
    world = stack.world
    strategy = world.strategy("asked", id=UUID(asked["pathParameters"]["id"]))
    world.trades(strategy, [1.0, -1.0] * 60)

    answer = stack.invoke("RetrainFunction", asked)

    assert answer["statusCode"] == 202, answer
    assert "asked" in stack.command.until("strategy: asked")


def test_task_stopped_takes_any_trainer(stack: Stack) -> None:
    assert stack.invoke("TaskStoppedFunction", sample("task_stopped_oom")) == {"ended": 0}


def test_api_is_well(stack: Stack) -> None:
    answer = stack.invoke("ApiFunction", sample("api_health"))
    assert (answer["statusCode"], json.loads(answer["body"])["ok"]) == (200, True)


def test_authorizer_knows_the_token_of_the_stack(stack: Stack) -> None:
    token = (stack.data / "token").read_text().strip()
    caller = sample("authorizer") | {"identitySource": [f"Bearer {token}"]}
    answer = stack.invoke("AuthorizerFunction", caller)
    assert (answer["isAuthorized"], answer["context"]["user_id"]) == (True, str(LOCAL_USER))


@pytest.fixture
def response_url() -> Iterator[str]:
    """Where CloudFormation would take the answer, and containers get to."""

    class Exchange(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """A test says enough."""

    with HTTPServer(("127.0.0.1", 0), Exchange) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        with door([server.server_port], bridge()):
            yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_deployment_finds_the_schema_up_to_date(stack: Stack, response_url: str) -> None:
    created = sample("deployment_schema_create") | {"ResponseURL": response_url}
    assert stack.invoke("DeploymentFunction", created)["Status"] == "SUCCESS"
