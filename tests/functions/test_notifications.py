from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import boto3
import pytest

from autoretrain_local.account import CONDITION_CHECK, DISPATCHER, TASK_STOPPED
from autoretrain_local.facts import read_figures
from tests.functions.conftest import Running, event, now


def subscribed_queue() -> str:
    """A queue that gets what the topic gets, and what the bus gets; returns its URL."""
    sqs, events = boto3.client("sqs"), boto3.client("events")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    topic = os.environ["NOTIFICATION_TOPIC_ARN"]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    events.put_rule(Name="all", EventPattern='{"source": ["auto-retrain"]}')
    events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
    return url


def heard(url: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The topic's messages, and the bus's events."""
    found: list[dict[str, Any]] = []
    sqs = boto3.client("sqs")
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(one["Body"]) for one in messages]
    return (
        [one for one in found if "Subject" in one],
        [one for one in found if "detail-type" in one],
    )


def figures(running: Running, metric: str) -> list[dict[str, Any]]:
    lines = [read_figures(line) for line in list(running.lines)]
    return [dict(line) for line in lines if line and metric in line]


def total(running: Running, metric: str) -> float:
    return sum(sum(line[metric]) for line in figures(running, metric))


def check(running: Running, strategy: UUID) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    running.invoke(CONDITION_CHECK, {"strategy_ids": [str(strategy)], "slot": hour.isoformat()})


def tick(running: Running) -> Any:
    return running.invoke(DISPATCHER, event("scheduled") | {"time": now()})


def kept(running: Running, strategy: UUID) -> None:
    running.world.run(
        "INSERT INTO autoretrain.outbox (topic, strategy_id, payload)"
        " VALUES ('ModelKept', %s, '{\"version\": \"v1\"}')",
        strategy,
    )


def test_training_is_told_to_people_and_programs_as_soon_as_its_task_has_ended(
    running: Running,
) -> None:
    url, due = subscribed_queue(), running.due("due")

    check(running, due)
    running.stack.settle()

    (message,), (told,) = heard(url)
    topic = told["detail-type"]
    assert topic in ("ModelActivated", "ModelKept")
    assert (told["source"], told["detail"]["strategy"]) == ("auto-retrain", "due")
    assert told["detail"]["version"] == "v1"
    assert message["Subject"].startswith("auto-retrain: due: v1 ")
    assert "What to do: " in message["Message"]
    attributes = {name: one["Value"] for name, one in message["MessageAttributes"].items()}
    assert attributes == {
        "topic": topic,
        "strategy_id": str(due),
        "event_id": told["detail"]["event_id"],
    }
    (line,) = running.facts("auto-retrain notification sent")
    assert (line["topic"], line["subject"]) == (topic, message["Subject"])
    assert total(running, "Notifications") == 1


def test_tick_sends_what_waits_and_what_was_sent_is_not_sent_again(running: Running) -> None:
    url, strategy = subscribed_queue(), running.world.strategy("idle", is_active=False)
    for _ in range(12):
        kept(running, strategy)

    tick(running)
    tick(running)

    messages, events = heard(url)
    assert (len(messages), len(events)) == (12, 12)
    assert total(running, "Notifications") == 12


@pytest.mark.parametrize("function", [DISPATCHER, TASK_STOPPED])
def test_topic_that_does_not_take_it_fails_no_function_and_is_asked_again_alone(
    running: Running, function: str
) -> None:
    url, strategy = subscribed_queue(), running.world.strategy("idle", is_active=False)
    kept(running, strategy)
    boto3.client("sns").delete_topic(TopicArn=os.environ["NOTIFICATION_TOPIC_ARN"])
    given = event("task_stopped_success" if function == TASK_STOPPED else "scheduled")

    for _ in range(2):
        running.invoke(function, given | {"time": now()})
        running.world.run("UPDATE autoretrain.outbox SET next_attempt_at = now()")

    _, events = heard(url)
    assert len(events) == 1
    held = running.world.one("SELECT * FROM autoretrain.outbox")
    assert (held.told, held.sent_at, held.attempts) == (["bus"], None, 2)
    first, _ = running.facts("auto-retrain notification not sent yet")
    assert first["why"].startswith("topic: SNS did not answer or refuses: ")
    assert total(running, "NotificationsFailed") == 2


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("REVOKE ALL ON autoretrain.outbox FROM autoretrain_api", "contract"),
        ("ALTER TABLE autoretrain.outbox DROP COLUMN event_id", "internal_error"),
    ],
)
def test_outbox_that_cannot_be_read_fails_no_tick(running: Running, damage: str, code: str) -> None:
    running.world.run(damage)

    assert tick(running)["checking"] == 0

    (told,) = running.facts("auto-retrain notifications wait")
    assert told["code"] == code
    assert total(running, "NotificationsFailed") == 1


def test_tick_with_nothing_to_send_makes_no_client_to_send_with(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, client = [], boto3.client

    def noted(service: Any, **options: Any) -> Any:
        made.append(service)
        return client(service, **options)

    monkeypatch.setattr(boto3, "client", noted)
    tick(running)

    assert "secretsmanager" in made
    assert not {"sns", "events"} & set(made)


def test_tick_counts_what_it_did(running: Running) -> None:
    running.due("due")
    running.due("paused")
    running.world.run(
        "UPDATE autoretrain.strategy_training t SET paused_reason = 'five failures'"
        " FROM ai_strategies s WHERE s.id = t.strategy_id AND s.name = 'paused'"
    )

    tick(running)
    running.stack.settle()

    (counted,) = figures(running, "Ticks")
    expected = {
        "Ticks": [1], "ChecksSent": [1], "ChecksNotSent": [0], "PausedStrategies": [1],
        "LostRuns": [0], "Notifications": [0], "NotificationsFailed": [0],
    }  # fmt: skip
    assert counted.items() >= expected.items()
    assert total(running, "Checks") == 1
    assert total(running, "LaunchFailures") == 0
    (decision,) = figures(running, "Decisions")
    assert (decision["reason"], decision["Decisions"]) == ("initial_training", [1])
    (run,) = figures(running, "Runs")
    assert run["outcome"] in ("activated", "kept")
    (trained,) = figures(running, "TrainingSeconds")
    assert trained["TrainingRows"] == [120]
    assert trained.keys() >= {"LogLossImprovement"}
    namespaces = {
        told["Namespace"]
        for line in map(read_figures, running.lines)
        if line
        for told in line["_aws"]["CloudWatchMetrics"]
    }
    assert namespaces == {"auto-retrain"}


def test_run_that_ends_with_its_task_is_counted_by_whoever_ends_it(running: Running) -> None:
    strategy = running.due("due")
    for name in ("task_stopped_oom", "task_stopped_never_started"):
        given = event(name)
        running.world.run(
            "INSERT INTO autoretrain.training_runs (id, strategy_id, user_id, status, fence,"
            " reason, lease_expires_at, task_arn) VALUES (gen_random_uuid(), %s,"
            " gen_random_uuid(), 'running', (SELECT fence FROM autoretrain.strategy_training),"
            " 'test', now() + interval '1 min', %s)",
            strategy,
            given["detail"]["taskArn"],
        )
        running.invoke(TASK_STOPPED, given)

    assert [line["outcome"] for line in figures(running, "Runs")] == ["failed", "requeued"]
    assert total(running, "LostRuns") == 1
