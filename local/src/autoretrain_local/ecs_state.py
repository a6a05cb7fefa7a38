"""Owns what ECS knows of a task at one moment, and the shapes that it tells it in."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from autoretrain_local.endpoints import ACCOUNT, REGION

_FARGATE_STOP_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """What a task runs. `cpu` in 1/1024 vCPU and `memory` in MiB, as strings like ECS has them."""

    family: str
    container: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    cpu: str = "1024"
    memory: str = "2048"
    revision: int = 1
    image_digest: str | None = None
    stop_timeout_seconds: float = _FARGATE_STOP_TIMEOUT_SECONDS

    @property
    def name(self) -> str:
        return f"{self.family}:{self.revision}"

    @property
    def arn(self) -> str:
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{self.name}"


@dataclass(frozen=True, slots=True)
class Stop:
    """How a task ended. `container_reason` is what ECS adds about the container alone."""

    code: str
    reason: str
    exit_code: int | None = None
    container_reason: str | None = None


OUT_OF_MEMORY = Stop(
    "EssentialContainerExited",
    "Essential container in task exited",
    exit_code=137,
    container_reason="OutOfMemoryError: Container killed due to memory usage",
)
IMAGE_MISSING = Stop(
    "TaskFailedToStart",
    "CannotPullContainerError: The task cannot pull the image from the registry.",
)


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task as of its `version`; `call` holds the parameters of the RunTask that made it."""

    definition: TaskDefinition
    cluster_arn: str
    id: str
    call: Mapping[str, Any]
    created_at: datetime
    version: int = 1
    last_status: str = "PROVISIONING"
    desired_status: str = "RUNNING"
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    stop: Stop | None = None

    @property
    def arn(self) -> str:
        cluster = self.cluster_arn.rpartition("/")[2]
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{cluster}/{self.id}"

    @property
    def started_by(self) -> str | None:
        return self.call.get("startedBy")

    @property
    def _capacity_provider(self) -> str | None:
        """The heaviest of those that were asked for; only large numbers of tasks are shared out."""
        asked: list[dict[str, Any]] = self.call.get("capacityProviderStrategy", [])
        by_weight = sorted(asked, key=lambda item: -int(item.get("weight", 0)))
        return next((str(item["capacityProvider"]) for item in by_weight), None)

    def running(self, now: datetime) -> TaskState:
        return replace(self, version=self.version + 1, last_status="RUNNING", started_at=now)

    def stopping(self, stop: Stop) -> TaskState:
        return replace(self, version=self.version + 1, desired_status="STOPPED", stop=stop)

    def stopped(self, stop: Stop, now: datetime) -> TaskState:
        return replace(
            self,
            version=self.version + 1,
            last_status="STOPPED",
            desired_status="STOPPED",
            stopped_at=now,
            stop=stop,
        )

    def description(self) -> dict[str, Any]:
        """What DescribeTasks tells; times in seconds since 1970."""
        return self._told(lambda time: time.timestamp())

    def event(self, now: datetime) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html"""
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": ACCOUNT,
            "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "region": REGION,
            "resources": [self.arn],
            "detail": {**self._told(_iso), "updatedAt": _iso(now)},
        }

    def metadata(self) -> dict[str, Any]:
        """What a container reads below ECS_CONTAINER_METADATA_URI_V4."""
        return {
            "Cluster": self.cluster_arn,
            "TaskARN": self.arn,
            "Family": self.definition.family,
            "Revision": str(self.definition.revision),
            "DesiredStatus": self.desired_status,
            "KnownStatus": self.last_status,
            "LaunchType": "FARGATE",
            "Containers": [
                _without_none(Name=self.definition.container, ImageID=self.definition.image_digest)
            ],
        }

    def _told(self, time: Callable[[datetime], float | str]) -> dict[str, Any]:
        stop = self.stop
        times = (
            ("createdAt", self.created_at),
            ("startedAt", self.started_at),
            ("stoppedAt", self.stopped_at),
        )
        return _without_none(
            taskArn=self.arn,
            clusterArn=self.cluster_arn,
            taskDefinitionArn=self.definition.arn,
            group=f"family:{self.definition.family}",
            launchType="FARGATE",
            capacityProviderName=self._capacity_provider,
            cpu=self.definition.cpu,
            memory=self.definition.memory,
            lastStatus=self.last_status,
            desiredStatus=self.desired_status,
            startedBy=self.started_by,
            overrides=self.call.get("overrides", {}),
            version=self.version,
            stopCode=stop.code if stop else None,
            stoppedReason=stop.reason if stop else None,
            containers=[self._container()],
            **{name: time(moment) for name, moment in times if moment is not None},
        )

    def _container(self) -> dict[str, Any]:
        return _without_none(
            containerArn=f"{self.arn.replace(':task/', ':container/')}/{self.definition.container}",
            taskArn=self.arn,
            name=self.definition.container,
            lastStatus=self.last_status,
            exitCode=self.stop.exit_code if self.stop else None,
            reason=self.stop.container_reason if self.stop else None,
        )


def _without_none(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
