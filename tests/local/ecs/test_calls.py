from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.local.ecs.cluster import CALL, CLUSTER, WAIT, Bench, overriding, refused_with, run


def test_same_token_starts_one_task(bench: Bench) -> None:
    client = bench.serve(WAIT)
    assert run(client) == run(client)
    assert run(client, clientToken="run-1-2") != run(client)


def test_call_without_token_starts_another_task_each_time(bench: Bench) -> None:
    client = bench.serve()
    call = {name: value for name, value in CALL.items() if name != "clientToken"}
    arns = {client.run_task(**call)["tasks"][0]["taskArn"] for _ in range(2)}
    assert len(arns) == 2


def test_token_conflicts_when_the_parameters_differ(bench: Bench) -> None:
    client = bench.serve()
    arn = run(client)
    with pytest.raises(client.exceptions.ConflictException) as refused:
        run(client, startedBy="run-2")
    assert refused.value.response["resourceIds"] == [arn]


@pytest.mark.parametrize(
    ("code", "hours", "is_forgotten"),
    [
        ("pass", 0.9, False),
        ("pass", 1.0, True),  # an hour after the task's end
        (WAIT, 23.9, False),
        (WAIT, 24.0, True),  # or a day after its start
    ],
)
def test_token_is_forgotten_in_time(
    bench: Bench, code: str, hours: float, is_forgotten: bool
) -> None:
    client = bench.serve(code)
    first = run(client)
    if code == "pass":
        bench.ecs.join(first)
    bench.now += timedelta(hours=hours)
    assert (run(client) != first) == is_forgotten


def test_count_starts_as_many_tasks(bench: Bench) -> None:
    assert len(bench.serve().run_task(**CALL, count=3)["tasks"]) == 3


REFUSALS = [
    ({"cluster": "other"}, "ClusterNotFoundException"),
    ({"taskDefinition": "trainer:2"}, "ClientException"),
    ({"count": 0}, "InvalidParameterException"),
    ({"count": 11}, "InvalidParameterException"),
    ({"startedBy": "run:1"}, "InvalidParameterException"),
    ({"startedBy": "r" * 129}, "InvalidParameterException"),
    ({"clientToken": "run 1"}, "InvalidParameterException"),
    ({"clientToken": "r" * 65}, "InvalidParameterException"),
    ({"launchType": "EC2"}, "InvalidParameterException"),
    (
        {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]},  # and a launch type
        "InvalidParameterException",
    ),
    ({"networkConfiguration": {}}, "InvalidParameterException"),
    (
        {"networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}},
        "InvalidParameterException",
    ),
    (
        {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["vpc-1"]}}},
        "InvalidParameterException",
    ),
    ({"overrides": {"containerOverrides": [{"name": "other"}]}}, "InvalidParameterException"),
    (
        {"overrides": {"containerOverrides": [{"name": "trainer", "command": ["sh"]}]}},
        "InvalidParameterException",
    ),
    ({"overrides": overriding(A="x" * 8192)}, "InvalidParameterException"),
    ({"overrides": {"cpu": "1000"}}, "ClientException"),
    ({"overrides": {"memory": "1024"}}, "ClientException"),  # too little for 1024 units of CPU
    ({"overrides": {"cpu": "8192", "memory": "17408"}}, "ClientException"),  # between two steps
]


@pytest.mark.parametrize(("parameters", "code"), REFUSALS)
def test_call_is_refused_as_by_aws(bench: Bench, parameters: dict[str, Any], code: str) -> None:
    client = bench.serve()
    assert refused_with(client, CALL | parameters)["Error"]["Code"] == code
    assert client.list_tasks(cluster="training")["taskArns"] == []
    assert bench.events.empty()


@pytest.mark.parametrize(
    "parameters",
    [
        {"cluster": CLUSTER},
        {"taskDefinition": "trainer:1"},
        {"taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/trainer:1"},
        {"count": 10},
        {"startedBy": "aZ09/_-" + "r" * 121},
        {"clientToken": "!~" + "r" * 62},
        {"overrides": {"cpu": "8192", "memory": "20480"}},
        {"overrides": {"cpu": "256", "memory": "512"}},
    ],
)
def test_call_is_accepted_at_the_limits(bench: Bench, parameters: dict[str, Any]) -> None:
    assert bench.serve().run_task(**CALL | parameters)["tasks"]


ON_ANY_CAPACITY = {name: value for name, value in CALL.items() if name != "launchType"}
SPOT = {"capacityProvider": "FARGATE_SPOT", "weight": 1}


@pytest.mark.parametrize(
    "strategy",
    [
        [SPOT],
        [SPOT, {"capacityProvider": "FARGATE"}],
        [SPOT | {"weight": 1000, "base": 100_000}, {"capacityProvider": "FARGATE", "weight": 1}],
    ],
)
def test_spot_is_asked_for_by_capacity_provider(
    bench: Bench, strategy: list[dict[str, Any]]
) -> None:
    given: Any = ON_ANY_CAPACITY | {"capacityProviderStrategy": strategy}
    (task,) = bench.serve().run_task(**given)["tasks"]
    assert (task["capacityProviderName"], task["launchType"]) == ("FARGATE_SPOT", "FARGATE")


@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param([{"capacityProvider": "SPOT", "weight": 1}], id="unknown"),
        pytest.param([{"capacityProvider": "FARGATE_SPOT"}], id="no weight is weight 0"),
        pytest.param([SPOT | {"weight": 1001}], id="too heavy"),
        pytest.param([SPOT | {"base": 100_001}], id="too broad"),
        pytest.param([SPOT, SPOT], id="twice"),
        pytest.param(
            [SPOT | {"base": 1}, SPOT | {"capacityProvider": "FARGATE", "base": 1}], id="two bases"
        ),
    ],
)
def test_strategy_that_aws_does_not_take_is_refused(
    bench: Bench, strategy: list[dict[str, Any]]
) -> None:
    answer = refused_with(bench.serve(), ON_ANY_CAPACITY | {"capacityProviderStrategy": strategy})
    assert answer["Error"]["Code"] == "InvalidParameterException"
