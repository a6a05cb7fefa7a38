from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from autoretrain.aws.notifier import BusChannel, TopicChannel
from autoretrain.domain.notifications import Notification, Topic
from tests.fakes import NOON


@dataclass
class FakeAws:
    """SNS and EventBridge in one: they answer as they are told, and keep what they were asked."""

    answer: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    asked: dict[str, Any] = field(default_factory=dict)

    def publish_batch(self, **asked: Any) -> dict[str, Any]:
        return self._answer(asked)

    def put_events(self, **asked: Any) -> dict[str, Any]:
        return self._answer(asked)

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.asked = asked
        if self.error is not None:
            raise self.error
        return self.answer


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    fake = FakeAws()
    monkeypatch.setattr(boto3, "client", lambda service, config: fake)
    return fake


NOTES = [
    Notification(n, UUID(int=n), Topic.MODEL_KEPT, UUID(int=7), "edge", {"version": "v1"}, NOON)
    for n in (4, 5, 6)
]


def test_topic_names_those_that_it_has_not_taken(aws: FakeAws) -> None:
    failed = {"Id": "5", "Code": "InvalidParameter", "Message": "Subject", "SenderFault": True}
    aws.answer = {"Successful": [{"Id": "4"}, {"Id": "6"}], "Failed": [failed]}

    assert TopicChannel("arn:topic").send(NOTES) == {5: "InvalidParameter: Subject"}
    assert aws.asked["TopicArn"] == "arn:topic"
    assert [entry["Id"] for entry in aws.asked["PublishBatchRequestEntries"]] == ["4", "5", "6"]


def test_bus_names_those_that_it_has_not_taken(aws: FakeAws) -> None:
    refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
    aws.answer = {"FailedEntryCount": 2, "Entries": [refused, {"EventId": "e"}, refused]}

    told = BusChannel("default").send(NOTES)

    assert told == dict.fromkeys((4, 6), "ThrottlingException: slow down")
    entry = aws.asked["Entries"][0]
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == (
        "auto-retrain",
        "ModelKept",
        "default",
    )
    assert '"event_id": "00000000-0000-0000-0000-000000000004"' in entry["Detail"]


@pytest.mark.parametrize(
    "channel", [lambda: TopicChannel("arn:topic"), lambda: BusChannel("default")]
)
@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Publish"),
        EndpointConnectionError(endpoint_url="https://sns"),
    ],
)
def test_service_that_does_not_answer_has_taken_nothing(
    aws: FakeAws, channel: Callable[[], TopicChannel | BusChannel], error: Exception
) -> None:
    aws.error = error
    assert channel().send(NOTES).keys() == {4, 5, 6}


def test_client_is_made_when_there_is_something_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(service: str, config: object) -> FakeAws:
        raise AssertionError(service)

    monkeypatch.setattr(boto3, "client", made)
    TopicChannel("arn:topic")
    BusChannel("default")
