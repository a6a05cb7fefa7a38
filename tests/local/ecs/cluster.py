"""A cluster to call as boto3 does, whose trainers are lines of Python."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from queue import Queue
from typing import Any

import boto3
import pytest
from botocore.config import Config

from autoretrain_local.ecs_endpoint import Ecs, TaskDefinition
from autoretrain_local.endpoints import Endpoints

LIMIT_SECONDS = 30.0
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/training"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}}
CALL = {
    "cluster": "training",
    "taskDefinition": "trainer",
    "launchType": "FARGATE",
    "networkConfiguration": NETWORK,
    "startedBy": "run-1",
    "clientToken": "run-1-1",
}
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); "
WAIT = "print('up', flush=True); import time; time.sleep(600)"
OWNER = """
import sys, uuid
from datetime import datetime, timezone
from autoretrain_local.ecs_state import TaskDefinition, TaskState
from autoretrain_local.ecs_task import Task

definition = TaskDefinition("trainer", "trainer", [sys.executable, "-c", sys.argv[1]])
state = TaskState(definition, "arn:x:cluster/training", "1", {}, datetime.now(timezone.utc))
say = lambda arn, line: print(line, flush=True)
Task(state, {}, print, say, lambda: datetime.now(timezone.utc)).start()
sys.stdin.read()
"""


class Bench:
    """A cluster whose trainer is a line of Python, reached through boto3, and a clock to set."""

    def __init__(self, undo: ExitStack) -> None:
        self.now = datetime(2026, 7, 1, tzinfo=UTC)
        self.events: Queue[dict[str, Any]] = Queue()
        self.lines: Queue[str] = Queue()
        self._undo = undo

    def serve(self, code: str = "pass", **definition: Any) -> Any:
        command = [sys.executable, "-c", code]
        return self.serve_definition(TaskDefinition("trainer", "trainer", command, **definition))

    def serve_definition(self, trainer: TaskDefinition) -> Any:
        server = Endpoints()
        self.ecs = Ecs(
            "training",
            [trainer],
            server.url,
            self.events.put,
            self.hear,
            lambda: self.now,
        )
        server.mount("/", self.ecs.answer)
        self._undo.enter_context(server)
        self._undo.callback(self.ecs.close)
        self.url = server.url
        return self.client(attempts=1)

    def client(self, attempts: int) -> Any:
        client = boto3.client(
            "ecs",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
        )
        return self._undo.enter_context(closing(client))

    def stopped(self) -> dict[str, Any]:
        """The detail of the next STOPPED event."""
        while True:
            detail: dict[str, Any] = self.events.get(timeout=LIMIT_SECONDS)["detail"]
            if detail["lastStatus"] == "STOPPED":
                return detail

    def hear(self, task_arn: str, line: str) -> None:
        if line == "unheard-of":
            raise ValueError(line)
        self.lines.put(line)

    def line(self) -> str:
        return self.lines.get(timeout=LIMIT_SECONDS)


def run(client: Any, **parameters: Any) -> str:
    arn: str = client.run_task(**CALL | parameters)["tasks"][0]["taskArn"]
    return arn


def overriding(**environment: str) -> dict[str, Any]:
    variables = [{"name": name, "value": value} for name, value in environment.items()]
    return {"containerOverrides": [{"name": "trainer", "environment": variables}]}


def described(client: Any, arn: str) -> dict[str, Any]:
    (task,) = client.describe_tasks(cluster="training", tasks=[arn])["tasks"]
    return dict(task)


def refused_with(client: Any, call: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.run_task(**call)
    return dict(refused.value.response)
