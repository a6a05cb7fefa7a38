"""What people watch is what the code counts and logs, and every alarm says what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autoretrain.domain.conditions.decision import CONDITIONS
from autoretrain.metrics import METRICS
from tests.template.cloudformation import deployed, nodes
from tests.template.conftest import Stack

PATH = "stacks/observability.yaml"
COUNTED = {metric.name: metric.dimension for metric in METRICS}
NAMESPACE = "auto-retrain"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:topic"
RUNBOOK = re.compile(r"docs/operations\.md#([\w-]+)$")
ALARMS = {
    "FailureQueueAlarm": "alarm-failure-queue-not-empty",
    "NoTickAlarm": "alarm-no-tick-for-two-hours",
    "LaunchesFailingAlarm": "alarm-launches-failing",
    "RunsLostAlarm": "alarm-runs-lost",
    "StrategiesPausedAlarm": "alarm-strategies-paused",
    "ThrottlesAlarm": "alarm-throttles",
}


def given(stack: Stack) -> dict[str, Any]:
    """The nested stack's parameters, with a name in place of what AWS would answer."""
    parameters = stack.resources["Observability"]["Properties"]["Parameters"]
    known = {"NotificationTopicArn": TOPIC}
    return {
        name: known.get(name, value if isinstance(value, str) else f"a-{name}")
        for name, value in parameters.items()
    }


@pytest.fixture(scope="session")
def watched(nested: dict[str, dict[str, Any]], stack: Stack) -> dict[str, dict[str, Any]]:
    resources: dict[str, dict[str, Any]] = deployed(nested[PATH], given(stack))["Resources"]
    return resources


@pytest.fixture(scope="session")
def dashboard(watched: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    text, named = watched["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    for name, value in named.items():
        text = text.replace(f"${{{name}}}", value["Fn::Sub"])
    loaded: list[dict[str, Any]] = json.loads(text)["widgets"]
    return loaded


def alarms(watched: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in watched.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def measured(alarm: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of each metric that an alarm watches."""
    for node in nodes(alarm):
        if isinstance(node, dict) and "MetricName" in node:
            dimensions = {one["Name"]: one["Value"] for one in node["Dimensions"]}
            yield node["Namespace"], node["MetricName"], dimensions


def graphed(widget: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Namespace and name of each metric of a widget, whose lines repeat what stands above."""
    above: list[Any] = []
    for line in widget["properties"].get("metrics", []):
        words = [word for word in line if isinstance(word, str)]
        if not words:
            continue
        if words[0] == "...":
            words = above[: len(above) - len(words) + 1] + words[1:]
        above = [above[at] if word == "." else word for at, word in enumerate(words)]
        yield above[0], above[1]


def searched(widgets: list[dict[str, Any]]) -> dict[str, str]:
    """The metrics that are searched for, and the dimension that tells their lines apart."""
    expressions = [
        line[0]["expression"]
        for widget in widgets
        for line in widget["properties"].get("metrics", [])
        if isinstance(line[0], dict)
    ]
    found = [
        re.search(rf"""\{{"{NAMESPACE}",(\w+),service\}} MetricName="(\w+)\"""", text)
        for text in expressions
    ]
    return {one[2]: one[1] for one in found if one}


def headings(root: Path) -> set[str]:
    """The anchors of the runbook, as they are made of its headings."""
    lines = (root / "docs/operations.md").read_text().splitlines()
    titles = [line.lstrip("#").strip().lower() for line in lines if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}


def test_every_alarm_names_what_to_do(watched: dict[str, dict[str, Any]], root: Path) -> None:
    named = {
        name: RUNBOOK.search(alarm["AlarmDescription"]) for name, alarm in alarms(watched).items()
    }
    assert {name: found and found[1] for name, found in named.items()} == ALARMS
    assert set(ALARMS.values()) <= headings(root)


def test_every_alarm_is_heard_when_it_comes_and_when_it_goes(
    watched: dict[str, dict[str, Any]],
) -> None:
    for alarm in alarms(watched).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC]
        assert "TreatMissingData" in alarm


def test_alarms_watch_what_is_counted(watched: dict[str, dict[str, Any]]) -> None:
    for alarm in alarms(watched).values():
        for namespace, name, dimensions in measured(alarm):
            if namespace == NAMESPACE:
                assert (COUNTED[name], dimensions) == (None, {"service": NAMESPACE})
    ours = {
        name
        for alarm in alarms(watched).values()
        for namespace, name, _ in measured(alarm)
        if namespace == NAMESPACE
    }
    assert ours == {"Ticks", "LaunchFailures", "LostRuns", "PausedStrategies"}


def test_metrics_have_the_namespace_that_alarms_look_in(stack: Stack) -> None:
    environments = [*map(stack.variables, stack.functions), stack.container_variables]
    told = {one["POWERTOOLS_METRICS_NAMESPACE"] for one in environments}
    services = {one["POWERTOOLS_SERVICE_NAME"] for one in environments}
    assert (told, services) == ({given(stack)["Namespace"]}, {NAMESPACE})


def test_silence_of_the_tick_is_an_alarm_only_while_it_should_tick(
    nested: dict[str, dict[str, Any]], stack: Stack
) -> None:
    for state, wanted in ("ENABLED", True), ("DISABLED", False):
        parameters = given(stack) | {"ScheduleState": state}
        assert ("NoTickAlarm" in deployed(nested[PATH], parameters)["Resources"]) is wanted
    silence = deployed(nested[PATH], given(stack))["Resources"]["NoTickAlarm"]["Properties"]
    assert silence["Period"] * silence["EvaluationPeriods"] == 2 * 3600
    assert silence["TreatMissingData"] == "breaching"


def test_throttles_of_every_function_that_runs_for_others_count(
    watched: dict[str, dict[str, Any]], stack: Stack
) -> None:
    functions = {
        dimensions["FunctionName"]
        for _, _, dimensions in measured(alarms(watched)["ThrottlesAlarm"])
    }
    running = stack.functions.keys()
    # The deployment's own answer to CloudFormation tells more than an alarm would.
    assert functions == {
        f"a-{name}" for name in running - {"DeploymentFunction", "TrainerFunction"}
    }


def test_alarms_may_speak_to_the_topic(watched: dict[str, dict[str, Any]]) -> None:
    policy = watched["TopicPolicy"]["Properties"]
    allowed, refused = policy["PolicyDocument"]["Statement"]
    assert policy["Topics"] == [TOPIC]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", "sns:Publish")
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    assert (refused["Effect"], refused["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )


def test_dashboard_shows_every_metric_that_there_is(dashboard: list[dict[str, Any]]) -> None:
    plain = {
        name
        for widget in dashboard
        for namespace, name in graphed(widget)
        if namespace == NAMESPACE
    }
    searches = searched(dashboard)
    assert plain | searches.keys() == COUNTED.keys()
    assert all(COUNTED[name] is None for name in plain)
    assert searches == {name: of for name, of in COUNTED.items() if of is not None}


def test_dashboard_begins_with_every_alarm_there_is(
    dashboard: list[dict[str, Any]], nested: dict[str, dict[str, Any]], stack: Stack
) -> None:
    first = dashboard[0]["properties"]["alarms"]
    assert sorted(first) == sorted(f"${{{name}.Arn}}" for name in ALARMS)
    still = deployed(nested[PATH], given(stack) | {"ScheduleState": "DISABLED"})["Resources"]
    body = still["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert "NoTick" not in body
    json.loads(body)


def test_dashboard_puts_nothing_on_top_of_another(dashboard: list[dict[str, Any]]) -> None:
    taken = [
        (x, y)
        for widget in dashboard
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(taken) == len(set(taken))
    assert {x for x, _ in taken} == set(range(24))


def logged(root: Path) -> str:
    """The source of everything that logs."""
    folders = ("functions", "layers/core/src")
    return "\n".join(
        path.read_text() for folder in folders for path in (root / folder).rglob("*.py")
    )


def queries(watched: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {
        name: resource["Properties"]["QueryString"]
        for name, resource in watched.items()
        if resource["Type"] == "AWS::Logs::QueryDefinition"
    }


def test_queries_ask_for_lines_that_are_logged(
    watched: dict[str, dict[str, Any]], root: Path
) -> None:
    source = logged(root)
    assert queries(watched).keys() == {"WhyRetrained", "WhyNotRetrained"}
    for query in queries(watched).values():
        messages = re.findall(r"'(auto-retrain [a-z ]+)'", query)
        assert [message for message in messages if f'"{message}"' not in source] == []
        assert len(messages) >= 3


def test_queries_tell_decisions_for_from_those_against(
    watched: dict[str, dict[str, Any]],
) -> None:
    for name, word in ("WhyRetrained", "in"), ("WhyNotRetrained", "not in"):
        query = " ".join(queries(watched)[name].split())
        found = re.search(rf"'auto-retrain decision' and outcome {word} \[([^]]*)\]", query)
        assert found is not None
        assert set(re.findall(r"'(\w+)'", found[1])) == {judge.__name__ for judge in CONDITIONS}
