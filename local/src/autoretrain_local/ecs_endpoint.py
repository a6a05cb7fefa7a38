"""Owns the ECS stand-in: tasks that run for real, refused as strictly as by AWS, and a script of
what AWS does on a bad day."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from autoretrain_local.ecs_rules import Refusal, check_cluster, check_run_task, cluster_arn
from autoretrain_local.ecs_state import (
    IMAGE_MISSING,
    OUT_OF_MEMORY,
    Stop,
    TaskDefinition,
    TaskState,
)
from autoretrain_local.ecs_task import OnEvent, OnOutput, Task
from autoretrain_local.endpoints import Request, Response, error_response, json_response

__all__ = [
    "IMAGE_MISSING",
    "OUT_OF_MEMORY",
    "Ecs",
    "Failure",
    "LostAnswer",
    "Refusal",
    "Stop",
    "TaskDefinition",
]

_METADATA = "/v4/"
_TARGET = "AmazonEC2ContainerServiceV20141113."
_TOKEN_AGE = timedelta(hours=24)
_REMEMBERED = timedelta(hours=1)  # how long a stopped task and its token stay known
_MAX_TASKS_PER_LOOK = 100


@dataclass(frozen=True, slots=True)
class Failure:
    """RunTask answers 200, with this in `failures` and no task."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """RunTask starts the task, and the answer is a server error."""


@dataclass(frozen=True, slots=True)
class _TokenUse:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html"""

    call: Mapping[str, Any]
    tasks: Sequence[Task]
    at: datetime

    def holds(self, now: datetime) -> bool:
        ends = [task.state.stopped_at for task in self.tasks]
        ended = [end for end in ends if end is not None]
        forgotten = len(ended) == len(ends) and now >= max(ended) + _REMEMBERED
        return now < self.at + _TOKEN_AGE and not forgotten


class Ecs:
    """One cluster. `url` is where `answer` is mounted.

    `on_event` gets every Task State Change as EventBridge would deliver it, and `on_output` every
    line that a task writes, with its ARN. Both are called from the tasks' threads. Whoever wants
    events late, twice or out of order keeps what `on_event` gets, and delivers it so.
    """

    def __init__(
        self,
        cluster: str,
        definitions: Sequence[TaskDefinition],
        url: str,
        on_event: OnEvent,
        on_output: OnOutput,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._definitions = definitions
        self._url = url
        self._on_event = on_event
        self._on_output = on_output
        self._now = now
        self._one_at_a_time = Lock()
        self._closed = False
        self._tasks: dict[str, Task] = {}
        self._tokens: dict[str, _TokenUse] = {}
        self._script: deque[Failure | LostAnswer | Refusal | Stop] = deque()

    def script(self, *answers: Failure | LostAnswer | Refusal | Stop) -> None:
        """What the next valid RunTask calls do, one after another. A Stop is a task that is
        accepted and then ends so, without a process."""
        self._script.extend(answers)

    def interrupt(self, task_arn: str) -> None:
        """Take a Spot task back, as Fargate does."""
        reason = "Your Spot Task was interrupted."
        self._task(task_arn).request_stop(Stop("SpotInterruption", reason))

    def join(self, task_arn: str) -> None:
        """Wait until the task has stopped and its last event is out."""
        self._task(task_arn).join()

    def join_all(self) -> None:
        """Wait until every task has stopped, those included that start meanwhile."""
        joined: set[Task] = set()
        while waiting := set(self._tasks.values()) - joined:
            for task in waiting:
                task.join()
            joined |= waiting

    def close(self) -> None:
        """Stop all tasks, and wait for their ends."""
        with self._one_at_a_time:
            self._closed = True
        for task in self._tasks.values():
            task.request_stop(Stop("UserInitiated", "The cluster is shut down."))
        for task in self._tasks.values():
            task.join()

    def answer(self, request: Request) -> Response:
        """The four operations, and the metadata that a container asks for."""
        if request.path.startswith(_METADATA):
            return self._metadata(request.path)
        operations = {
            "RunTask": self._run_task,
            "DescribeTasks": self._describe_tasks,
            "ListTasks": self._list_tasks,
            "StopTask": self._stop_task,
        }
        name = request.headers.get("X-Amz-Target", "").removeprefix(_TARGET)
        if name not in operations:
            return error_response(400, "UnknownOperationException", f"No operation {name!r}.")
        call = json.loads(request.body)
        try:
            check_cluster(call, self._cluster)
            return json_response(200, operations[name](call))
        except Refusal as refusal:
            members = refusal.members
            return error_response(refusal.status, refusal.code, refusal.message, members)

    def _run_task(self, call: dict[str, Any]) -> dict[str, Any]:
        definition = check_run_task(call, self._definitions)
        with self._one_at_a_time:
            if self._closed:
                raise Refusal("ServerException", "The cluster is shut down.", 500)
            played = self._script.popleft() if self._script else None
            if isinstance(played, Refusal):
                raise played
            if isinstance(played, Failure):
                failure = {"reason": played.reason, "detail": played.detail}
                return {"tasks": [], "failures": [failure]}
            tasks = self._started_once(call, definition, played)
        if isinstance(played, LostAnswer):
            raise Refusal("ServerException", "Service Unavailable. Please try again later.", 500)
        return {"tasks": [task.state.description() for task in tasks], "failures": []}

    def _started_once(
        self, call: dict[str, Any], definition: TaskDefinition, played: LostAnswer | Stop | None
    ) -> Sequence[Task]:
        token, now = call.get("clientToken"), self._now()
        use = self._tokens.get(token) if token else None
        if use is None or not use.holds(now):
            ending = played if isinstance(played, Stop) else None
            tasks = [self._start(call, definition, ending) for _ in range(call.get("count", 1))]
            use = _TokenUse(call, tasks, now)
            if token:
                self._tokens[token] = use
        elif use.call != call:
            arns = [task.state.arn for task in use.tasks]
            message = "The clientToken was used before, with other parameters."
            raise Refusal("ConflictException", message, resourceIds=arns)
        return use.tasks

    def _start(self, call: dict[str, Any], definition: TaskDefinition, ending: Stop | None) -> Task:
        task_id, arn = uuid.uuid4().hex, cluster_arn(self._cluster)
        state = TaskState(definition, arn, task_id, call, self._now())
        environment = {
            **definition.environment,
            **_overridden(call),
            "ECS_CONTAINER_METADATA_URI_V4": f"{self._url}{_METADATA}{task_id}",
        }
        task = Task(state, environment, self._on_event, self._on_output, self._now, ending)
        self._tasks[state.arn] = task  # the container may ask for its metadata at once
        task.start()
        return task

    def _describe_tasks(self, call: dict[str, Any]) -> dict[str, Any]:
        if len(call["tasks"]) > _MAX_TASKS_PER_LOOK:
            raise Refusal("InvalidParameterException", "At most 100 tasks can be described.")
        known = {wanted: self._known(wanted) for wanted in call["tasks"]}
        return {
            "tasks": [task.state.description() for task in known.values() if task],
            "failures": [
                {"arn": wanted, "reason": "MISSING"} for wanted, task in known.items() if not task
            ],
        }

    def _list_tasks(self, call: dict[str, Any]) -> dict[str, Any]:
        if "startedBy" in call and "family" in call:
            raise Refusal("InvalidParameterException", "startedBy excludes other filters.")
        status = call.get("desiredStatus", "RUNNING")
        states = [task.state for task in list(self._tasks.values()) if self._is_known(task)]
        arns = [
            state.arn
            for state in states
            if state.desired_status == status
            and call.get("startedBy") in {None, state.started_by}
            and call.get("family") in {None, state.definition.family}
        ]
        return {"taskArns": arns[:_MAX_TASKS_PER_LOOK]}

    def _stop_task(self, call: dict[str, Any]) -> dict[str, Any]:
        task = self._task(call["task"])
        task.request_stop(Stop("UserInitiated", call.get("reason", "Task stopped by user")))
        return {"task": task.state.description()}

    def _metadata(self, path: str) -> Response:
        task_id, _, what = path.removeprefix(_METADATA).partition("/")
        task = self._known(task_id)
        if task is None or what != "task":
            return error_response(404, "NotFound", f"No metadata at {path}.")
        return json_response(200, task.state.metadata())

    def _task(self, wanted: str) -> Task:
        task = self._known(wanted)
        if task is None:
            raise Refusal("InvalidParameterException", "The referenced task was not found.")
        return task

    def _known(self, wanted: str) -> Task | None:
        """The task of an ARN, or of the id at its end."""
        for arn, task in list(self._tasks.items()):
            if wanted in {arn, task.state.id} and self._is_known(task):
                return task
        return None

    def _is_known(self, task: Task) -> bool:
        stopped_at = task.state.stopped_at
        return stopped_at is None or self._now() < stopped_at + _REMEMBERED


def _overridden(call: Mapping[str, Any]) -> dict[str, str]:
    containers = call.get("overrides", {}).get("containerOverrides", [])
    return {
        variable["name"]: variable["value"]
        for container in containers
        for variable in container.get("environment", [])
    }
