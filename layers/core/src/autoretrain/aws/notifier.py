"""The two ways out: an SNS topic for people, EventBridge for programs. Neither client is made
before there is something to send."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from autoretrain.aws.patience import BRIEF
from autoretrain.domain.notification_words import subject_of, text_of
from autoretrain.domain.notifications import Notification

SOURCE = "auto-retrain"


class TopicChannel:
    """See `ports.Channel`."""

    name = "topic"

    def __init__(self, topic_arn: str) -> None:
        self._topic_arn = topic_arn

    @cached_property
    def _sns(self) -> Any:
        return boto3.client("sns", config=BRIEF)

    def send(self, notifications: Sequence[Notification]) -> dict[int, str]:
        entries = [_message(one) for one in notifications]
        try:
            answer = self._sns.publish_batch(
                TopicArn=self._topic_arn, PublishBatchRequestEntries=entries
            )
        except (BotoCoreError, ClientError) as exc:
            return {one.id: f"SNS did not answer or refuses: {exc}" for one in notifications}
        return {int(one["Id"]): _refusal(one, "Code", "Message") for one in answer["Failed"]}


class BusChannel:
    """See `ports.Channel`."""

    name = "bus"

    def __init__(self, event_bus: str) -> None:
        self._event_bus = event_bus

    @cached_property
    def _events(self) -> Any:
        return boto3.client("events", config=BRIEF)

    def send(self, notifications: Sequence[Notification]) -> dict[int, str]:
        entries = [_entry(one, self._event_bus) for one in notifications]
        try:
            answer = self._events.put_events(Entries=entries)
        except (BotoCoreError, ClientError) as exc:
            return {
                one.id: f"EventBridge did not answer or refuses: {exc}" for one in notifications
            }
        if not answer["FailedEntryCount"]:
            return {}
        # The answers stand in the order of the entries.
        return {
            one.id: _refusal(told, "ErrorCode", "ErrorMessage")
            for one, told in zip(notifications, answer["Entries"], strict=True)
            if "ErrorCode" in told
        }


def _message(note: Notification) -> dict[str, Any]:
    attributes = {
        "topic": note.topic,
        "strategy_id": str(note.strategy_id),
        "event_id": str(note.event_id),
    }
    return {
        "Id": str(note.id),
        "Subject": subject_of(note),
        "Message": text_of(note),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }


def _entry(note: Notification, event_bus: str) -> dict[str, Any]:
    return {
        "Source": SOURCE,
        "DetailType": note.topic,
        "Detail": json.dumps(note.detail),
        "Time": note.at,
        "EventBusName": event_bus,
    }


def _refusal(told: Any, code: str, message: str) -> str:
    return f"{told[code]}: {told.get(message, '')}"
