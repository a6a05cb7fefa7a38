"""The sample events are the ones that the template's rules let through."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from moto.events.models import EventPattern

from autoretrain.aws.tasks import started_by
from autoretrain.domain.access import parse_token
from autoretrain.domain.runs import Ending, Loss, ending_of_task
from autoretrain_local.gateway.event import Request, authorizer_event_of, event_of
from autoretrain_local.gateway.plan import read_api
from tests.template.cloudformation import PSEUDO, nested_pseudo
from tests.template.conftest import Stack

RULES = {
    "stack_created": "StackReadyRule",
    "task_stopped_oom": "TaskStoppedRule",
    "task_stopped_interrupted": "TaskStoppedRule",
    "task_stopped_never_started": "TaskStoppedRule",
    "task_stopped_success": "TaskStoppedRule",
}
API = {"api_health": "ApiFunction", "api_retrain": "RetrainFunction"}
CUSTOM = {"deployment_schema_create": "DatabaseSchema", "deployment_image_update": "TrainerImage"}
PLAIN = {"scheduled", "condition_check", "authorizer", "training_run"}
STOPPED = sorted(name for name, rule in RULES.items() if rule == "TaskStoppedRule")
STACK_ID = PSEUDO["AWS::StackId"]
TRAINER = nested_pseudo("Trainer")
CLUSTER = f"{TRAINER['AWS::StackName']}-Cluster-4fQxTz8mB2aL"
CLUSTER_ARN = f"arn:aws:ecs:eu-central-1:123456789012:cluster/{CLUSTER}"


def event(root: Path, name: str) -> Any:
    return json.loads((root / "events" / f"{name}.json").read_text())


def takes(stack: Stack, rule: str, candidate: Any) -> bool:
    declared = json.dumps(stack.resources[rule]["Properties"]["EventPattern"])
    text = declared.replace('{"Fn::GetAtt": ["Cluster", "Arn"]}', json.dumps(CLUSTER_ARN))
    return bool(EventPattern(text, json.loads(text)).matches_event(candidate))


def test_every_sample_event_is_tested(root: Path) -> None:
    names = {path.stem for path in (root / "events").glob("*.json")}
    assert names == RULES.keys() | API.keys() | CUSTOM.keys() | PLAIN


@pytest.mark.parametrize(("name", "rule"), RULES.items())
def test_rule_takes_its_event(stack: Stack, root: Path, name: str, rule: str) -> None:
    assert takes(stack, rule, event(root, name))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stack-id", STACK_ID.replace("auto-retrain", "another-stack")),
        ("stack-id", TRAINER["AWS::StackId"]),
        ("status-details", {"status": "UPDATE_ROLLBACK_COMPLETE"}),
        ("status-details", {"status": "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}),
        ("status-details", {"status": "DELETE_COMPLETE"}),
    ],
)
def test_stack_rule_leaves_other_news_alone(
    stack: Stack, root: Path, field: str, value: Any
) -> None:
    created = event(root, "stack_created")
    created["detail"][field] = value
    assert not takes(stack, "StackReadyRule", created)


def test_stack_rule_takes_an_update(stack: Stack, root: Path) -> None:
    updated = event(root, "stack_created")
    updated["detail"]["status-details"]["status"] = "UPDATE_COMPLETE"
    assert takes(stack, "StackReadyRule", updated)


@pytest.mark.parametrize(
    ("field", "value"),
    [("lastStatus", "RUNNING"), ("clusterArn", CLUSTER_ARN.replace("auto-", "other-"))],
)
def test_task_rule_leaves_other_tasks_alone(
    stack: Stack, root: Path, field: str, value: str
) -> None:
    stopped = event(root, "task_stopped_success")
    stopped["detail"][field] = value
    assert not takes(stack, "TaskStoppedRule", stopped)


@pytest.mark.parametrize("name", STOPPED)
def test_stopped_task_names_its_run_and_attempt(root: Path, name: str) -> None:
    detail = event(root, name)["detail"]
    (override,) = detail["overrides"]["containerOverrides"]
    (variable,) = override["environment"]
    assert detail["startedBy"] == started_by(UUID(variable["value"]), 1)


@pytest.mark.parametrize("name", STOPPED)
def test_stopped_task_is_the_one_that_the_template_defines(
    stack: Stack, root: Path, name: str
) -> None:
    detail = event(root, name)["detail"]
    defined = [container["Name"] for container in stack.task["ContainerDefinitions"]]
    assert [container["name"] for container in detail["containers"]] == defined
    assert detail["group"] == f"family:{stack.task['Family']}"


@pytest.mark.parametrize(
    ("name", "loss", "error_code"),
    [
        ("task_stopped_oom", None, "out_of_memory"),
        ("task_stopped_interrupted", Loss.INTERRUPTED, None),
        ("task_stopped_never_started", Loss.LOST, None),
        # The trainer ends its runs itself: one that is still live after an exit of 0 was lost.
        ("task_stopped_success", Loss.LOST, None),
    ],
)
def test_stopped_task_is_read_as_what_it_is(
    root: Path, name: str, loss: Loss | None, error_code: str | None
) -> None:
    detail = event(root, name)["detail"]
    (container,) = detail["containers"]
    ending: Ending = ending_of_task(
        container.get("exitCode"),
        detail["stopCode"],
        detail["stoppedReason"],
        container.get("reason", ""),
    )
    assert (ending.loss, ending.error_code) == (loss, error_code)


def test_scheduled_event_is_for_whenever_it_is_sent(root: Path) -> None:
    scheduled = event(root, "scheduled")
    assert (scheduled["source"], scheduled["detail-type"]) == ("aws.events", "Scheduled Event")
    assert scheduled["time"] == "now"


def test_condition_check_event_is_for_whenever_it_is_sent_and_for_strategies_by_id(
    root: Path,
) -> None:
    check = event(root, "condition_check")
    assert check["slot"] == "now"
    assert [str(UUID(name)) for name in check["strategy_ids"]] == check["strategy_ids"]


def rebuilt(given: Any) -> Any:
    """The same request's event, as the local gateway makes it."""
    context = given["requestContext"]["http"]
    body = given.get("body", "").encode()
    headers = tuple(given["headers"].items())
    request = Request(context["method"], given["rawPath"], headers, body)
    return event_of(request, given["routeKey"], given.get("pathParameters", {}))


def shape(tree: Any) -> Any:
    """The names and types of an event, whatever its values are."""
    return (
        {name: shape(value) for name, value in tree.items()}
        if isinstance(tree, dict)
        else type(tree)
    )


@pytest.mark.parametrize(("name", "function"), API.items())
def test_api_event_is_for_a_route_of_its_function(
    template: dict[str, Any], root: Path, name: str, function: str
) -> None:
    given = event(root, name)
    (route,) = (one for one in read_api(template).routes if one.key == given["routeKey"])
    assert route.function == function
    path = route.path.format(**given.get("pathParameters", {}))
    assert given["rawPath"] == given["requestContext"]["http"]["path"] == path
    assert ("authorizer" in given["requestContext"]) is not route.is_open


@pytest.mark.parametrize("name", API)
def test_api_event_has_what_the_local_gateway_sends(root: Path, name: str) -> None:
    given = event(root, name)
    caller = given["requestContext"].pop("authorizer", {"lambda": {}})
    assert caller["lambda"].keys() <= {"user_id", "scopes", "kind", "token_id"}
    assert shape(given) == shape(rebuilt(given))


def test_authorizer_event_has_what_the_local_gateway_sends(root: Path) -> None:
    given = event(root, "authorizer")
    (identity,) = given["identitySource"]
    assert identity == given["headers"]["authorization"]
    assert parse_token(identity.removeprefix("Bearer ")) is not None
    assert shape(given) == shape(authorizer_event_of(rebuilt(given), identity))


@pytest.mark.parametrize("name", [*API, "authorizer"])
def test_time_of_a_request_is_told_twice_alike(root: Path, name: str) -> None:
    context = event(root, name)["requestContext"]
    at = datetime.strptime(context["time"], "%d/%b/%Y:%H:%M:%S %z")
    assert at.timestamp() * 1000 == context["timeEpoch"]


@pytest.mark.parametrize(("name", "resource"), CUSTOM.items())
def test_custom_resource_event_is_what_cloudformation_makes_of_the_template(
    stack: Stack, root: Path, name: str, resource: str
) -> None:
    given, declared = event(root, name), stack.resources[resource]
    assert (given["ResourceType"], given["LogicalResourceId"]) == (declared["Type"], resource)
    told, meant = given["ResourceProperties"], declared["Properties"]
    assert told.keys() == meant.keys()
    # CloudFormation hands every value over as text.
    plain = {name: str(value) for name, value in meant.items() if not isinstance(value, dict)}
    assert plain == {name: told[name] for name in plain}
    assert given["StackId"] == (STACK_ID if resource in stack.root else TRAINER["AWS::StackId"])


def test_update_of_a_custom_resource_tells_what_was_before(root: Path) -> None:
    given = event(root, "deployment_image_update")
    before, after = given["OldResourceProperties"], given["ResourceProperties"]
    assert [name for name in after if after[name] != before[name]] == ["FunctionVersionArn"]


def test_training_is_for_the_strategy_that_the_readme_imports(root: Path) -> None:
    named = re.search(
        r"import-trades trades.csv --strategy (\w+)", (root / "README.md").read_text()
    )
    assert named is not None
    assert event(root, "training_run") == {"strategy": named[1]}
