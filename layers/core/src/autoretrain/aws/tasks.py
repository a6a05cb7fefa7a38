"""ECS RunTask on Fargate, with its answers sorted: started, try later, never, unknown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from autoretrain.errors import DependencyError, LaunchRefused, LaunchUnavailable, LaunchUnknown

CONTAINER = "trainer"
_TRY_LATER = {"ThrottlingException", "ServiceUnavailable", "LimitExceededException"}
_LOST_ANSWER = {"ServerException", "InternalError", "RequestTimeout", "ServiceUnavailableException"}


def started_by(run_id: UUID, attempt: int) -> str:
    """What a task says of who started it: the very attempt, not the run alone, so that a late
    event of an earlier attempt is never taken for the present one's."""
    return f"{run_id}/{attempt}"


@dataclass(frozen=True)
class FargateTasks:
    """See `ports.TaskLauncher`."""

    cluster: str
    task_definition: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    assign_public_ip: str

    @cached_property
    def _ecs(self) -> Any:
        return boto3.client("ecs", config=Config(retries={"mode": "standard", "max_attempts": 4}))

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
            "launchType": "FARGATE",
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

    def _task_of_refusal(self, exc: ClientError) -> str:
        error = exc.response["Error"]
        code, message = error["Code"], error.get("Message", "")
        if code == "ConflictException":
            # This attempt was launched before with other parameters: that task is the one.
            adopted: list[str] = exc.response.get("resourceIds", [])  # type: ignore[assignment]
            if adopted:
                return adopted[0]
        if code in _TRY_LATER:
            raise LaunchUnavailable(f"ECS asks to try later: {code}: {message}") from exc
        if code in _LOST_ANSWER:
            raise LaunchUnknown(f"ECS failed half-way: {code}: {message}") from exc
        if "apacity" in message:
            raise LaunchUnavailable(f"ECS started no task: {message}") from exc
        raise LaunchRefused(f"ECS refuses to start the trainer: {code}: {message}") from exc


class ClusterTasks:
    """See `ports.TaskFinder`."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster

    def find(self, run_id: UUID, attempt: int) -> str | None:
        try:
            found: list[str] = boto3.client("ecs").list_tasks(
                cluster=self._cluster, startedBy=started_by(run_id, attempt)
            )["taskArns"]
        except (BotoCoreError, ClientError) as exc:
            raise DependencyError(f"ECS does not list its tasks: {exc}") from exc
        return found[0] if found else None
