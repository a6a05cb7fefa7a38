"""ECS RunTask on Fargate, with its answers sorted: started, try later, never, unknown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from autoretrain.aws.patience import PATIENT
from autoretrain.errors import DependencyError, LaunchRefused, LaunchUnavailable, LaunchUnknown

CONTAINER = "trainer"
SERVER_FAILED = 500
SPOT_ATTEMPTS = 2
# Only what is known to be refused again is a refusal; whatever else AWS may say is for later.
_REFUSALS = {
    "AccessDenied",
    "AccessDeniedException",
    "BlockedException",
    "ClientException",
    "ClusterNotFoundException",
    "InvalidParameterException",
    "PlatformTaskDefinitionIncompatibilityException",
    "PlatformUnknownException",
    "UnrecognizedClientException",
    "UnsupportedFeatureException",
}
_MAYBE_LIMITS = {"ClientException", "InvalidParameterException"}
_LIMIT = re.compile("reached the limit|limit exceeded|capacity is unavailable|quota", re.IGNORECASE)
_ARN = re.compile(r"arn:\S+")


def started_by(run_id: UUID, attempt: int) -> str:
    """What a task says of who started it: the very attempt, not the run alone, so that a late
    event of an earlier attempt is never taken for the present one's."""
    return f"{run_id}/{attempt}"


@dataclass(frozen=True)
class FargateTasks:
    """See `ports.TaskLauncher`.

    With `spot`, a run's first two attempts take spare capacity, which AWS may take back or not
    have at all; what they do not bring to an end runs on demand.
    """

    cluster: str
    task_definition: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    assign_public_ip: str
    spot: bool

    @cached_property
    def _ecs(self) -> Any:
        return boto3.client("ecs", config=PATIENT)

    def launch(self, run_id: UUID, attempt: int) -> str:
        try:
            answer = self._ecs.run_task(**self._request(run_id, attempt))
        except ClientError as exc:
            return self._task_of_refusal(exc)
        except BotoCoreError as exc:
            raise LaunchUnknown(f"ECS gave no answer: {exc}") from exc
        if answer["failures"] or not answer["tasks"]:
            reasons = ", ".join(failure.get("reason", "?") for failure in answer["failures"])
            raise LaunchUnavailable(f"ECS started no task: {reasons or 'no reason given'}")
        task_arn: str = answer["tasks"][0]["taskArn"]
        return task_arn

    def _request(self, run_id: UUID, attempt: int) -> dict[str, Any]:
        """The same attempt gives the same bytes: ECS compares them with the first request."""
        return {
            "cluster": self.cluster,
            "taskDefinition": self.task_definition,
            **self._capacity(attempt),
            "count": 1,
            "clientToken": f"{run_id}-{attempt}",
            "startedBy": started_by(run_id, attempt),
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": list(self.subnets),
                    "securityGroups": list(self.security_groups),
                    "assignPublicIp": self.assign_public_ip,
                }
            },
            "overrides": {
                "containerOverrides": [
                    {
                        "name": CONTAINER,
                        "environment": [{"name": "RUN_ID", "value": str(run_id)}],
                    }
                ]
            },
        }

    def _capacity(self, attempt: int) -> dict[str, Any]:
        """ECS takes a launch type or capacity providers, never both."""
        if self.spot and attempt <= SPOT_ATTEMPTS:
            return {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}
        return {"launchType": "FARGATE"}

    def _task_of_refusal(self, exc: ClientError) -> str:
        error = exc.response["Error"]
        code, told = error["Code"], f"{error['Code']}: {error.get('Message', '')}"
        if code == "ConflictException":
            return _adopted(exc, told)
        if exc.response["ResponseMetadata"]["HTTPStatusCode"] >= SERVER_FAILED:
            raise LaunchUnknown(f"ECS failed half-way: {told}") from exc
        if code in _REFUSALS and not _is_limit(error):
            raise LaunchRefused(f"ECS refuses to start the trainer: {told}") from exc
        raise LaunchUnavailable(f"ECS started no task: {told}") from exc


def _is_limit(error: Any) -> bool:
    """Some quotas come as client errors. Names in ARNs say nothing."""
    words = _ARN.sub("", error.get("Message", ""))
    return error["Code"] in _MAYBE_LIMITS and _LIMIT.search(words) is not None


def _adopted(exc: ClientError, told: str) -> str:
    """This attempt was launched before with other parameters: that task is the one."""
    tasks: list[str] = exc.response.get("resourceIds", [])  # type: ignore[assignment]
    if not tasks:
        raise LaunchUnknown(f"ECS knows the attempt, but not its task: {told}") from exc
    return tasks[0]


class ClusterTasks:
    """See `ports.TaskFinder`."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster

    def find(self, run_id: UUID, attempt: int) -> str | None:
        try:
            found: list[str] = boto3.client("ecs", config=PATIENT).list_tasks(
                cluster=self._cluster, startedBy=started_by(run_id, attempt)
            )["taskArns"]
        except (BotoCoreError, ClientError) as exc:
            raise DependencyError(f"ECS does not list its tasks: {exc}") from exc
        return found[0] if found else None
