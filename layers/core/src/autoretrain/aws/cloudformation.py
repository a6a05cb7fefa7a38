"""CloudFormation's side of a custom resource: it waits for one answer, PUT to an address of S3.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException

from autoretrain.domain.json import Json
from autoretrain.errors import DependencyError

MAX_BYTES = 4096
PAUSES_SECONDS = (0.5, 1.0)
PUT_SECONDS = 4.0
LONGEST_SECONDS = (len(PAUSES_SECONDS) + 1) * PUT_SECONDS + sum(PAUSES_SECONDS)
SERVER_FAILED = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What CloudFormation is told; a failure fails the deployment with its reason."""

    succeeded: bool
    reason: str
    attributes: Mapping[str, str]


class Waiting:
    """CloudFormation, waiting for the answer to one request: it gets exactly one."""

    def __init__(self, request: Json) -> None:
        self._request = request
        self._answering = threading.Lock()
        self.told: Json | None = None

    @property
    def physical_id(self) -> str:
        """The same in all the resource's life: with another one, CloudFormation would delete the
        resource of the one before."""
        given = self._request.get("PhysicalResourceId")
        stack = str(self._request.get("StackId", "")).partition("/")[2].partition("/")[0]
        return str(given or f"{stack}-{self._request.get('LogicalResourceId')}")

    def answer(self, answer: Answer) -> None:
        """Only the first answer is sent. Raises DependencyError where it cannot be delivered."""
        if self._answering.acquire(blocking=False):
            self.told = self._told(answer)
            self._put(json.dumps(self.told).encode())

    def _told(self, answer: Answer) -> Json:
        names = ("StackId", "RequestId", "LogicalResourceId")
        told: Json = {
            "Status": "SUCCESS" if answer.succeeded else "FAILED",
            "PhysicalResourceId": self.physical_id,
            **{name: self._request.get(name) for name in names},
            "Data": dict(answer.attributes),
        }
        room = MAX_BYTES - len(json.dumps(told | {"Reason": ""}))
        return told | {"Reason": _cut(answer.reason or "no reason given", room)}

    def _put(self, body: bytes) -> None:
        for pause in (*PAUSES_SECONDS, None):
            try:
                self._put_once(body)
            except (OSError, HTTPException, ValueError) as exc:
                if pause is None or not _is_worth_another_try(exc):
                    raise DependencyError(
                        f"CloudFormation does not take the answer: {exc}"
                    ) from exc
                time.sleep(pause)
            else:
                return

    def _put_once(self, body: bytes) -> None:
        # The address is signed for an empty content type; urllib would add one of its own.
        request = urllib.request.Request(  # noqa: S310 -- CloudFormation's own address
            str(self._request.get("ResponseURL")), body, {"Content-Type": ""}, method="PUT"
        )
        with urllib.request.urlopen(request, timeout=PUT_SECONDS):  # noqa: S310
            pass


def _cut(text: str, room: int) -> str:
    """As much of the text as fits, written as JSON, into so many bytes."""
    while len(json.dumps(text)) - len('""') > room:
        text = text[: len(text) * 9 // 10]
    return text


def _is_worth_another_try(exc: Exception) -> bool:
    if isinstance(exc, urllib.error.HTTPError):
        return exc.code >= SERVER_FAILED
    return not isinstance(exc, ValueError)  # of an address that is none
