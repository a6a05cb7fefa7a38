from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any

import boto3
import pytest
from botocore.config import Config

from autoretrain_local.ecs_endpoint import (
    IMAGE_MISSING,
    OUT_OF_MEMORY,
    Ecs,
    Failure,
    LostAnswer,
    Refusal,
    TaskDefinition,
)
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


@pytest.fixture
def bench() -> Iterator[Bench]:
    with ExitStack() as undo:
        yield Bench(undo)


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


def test_task_runs_the_command_with_its_environment_and_the_overrides(bench: Bench) -> None:
    code = "import os; print(os.environ['A'], os.environ['B'], os.environ.get('SECRET'))"
    client = bench.serve(code, environment={"A": "defined", "B": "defined"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET", "of the host")
        run(client, overrides=overriding(B="overridden"))
    assert bench.line() == "defined overridden None"


def test_lines_of_both_streams_arrive_in_order(bench: Bench) -> None:
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr); print('trois é')"
    run(bench.serve(code))
    assert [bench.line() for _ in range(3)] == ["one", "two", "trois é"]


def test_task_tells_that_it_runs_and_that_it_stopped(bench: Bench) -> None:
    client = bench.serve("exit(3)")
    arn = run(client)
    running, stopped = (bench.events.get(timeout=LIMIT_SECONDS) for _ in range(2))
    assert (running["detail"]["lastStatus"], running["resources"]) == ("RUNNING", [arn])
    assert {name: stopped[name] for name in ("version", "detail-type", "source", "time")} == {
        "version": "0",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "time": "2026-07-01T00:00:00Z",
    }
    detail = stopped["detail"]
    assert (detail["taskArn"], detail["clusterArn"]) == (arn, CLUSTER)
    assert (detail["startedBy"], detail["lastStatus"]) == ("run-1", "STOPPED")
    assert detail["stopCode"] == "EssentialContainerExited"
    assert detail["stoppedReason"] == "Essential container in task exited"
    assert detail["stoppedAt"] == "2026-07-01T00:00:00.000Z"
    assert detail["containers"][0]["exitCode"] == 3
    assert detail["version"] > running["detail"]["version"]
    json.dumps(stopped)


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("pass", 0),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
        ("import os; os.abort()", 134),
    ],
)
def test_exit_code_is_a_containers(bench: Bench, code: str, exit_code: int) -> None:
    run(bench.serve(code))
    assert bench.stopped()["containers"][0]["exitCode"] == exit_code


def test_command_that_does_not_exist_ends_as_in_a_shell(bench: Bench) -> None:
    run(bench.serve_definition(TaskDefinition("trainer", "trainer", ["/no/such/program"])))
    assert bench.stopped()["containers"][0]["exitCode"] == 127


def test_stopped_task_is_described_with_its_end(bench: Bench) -> None:
    client = bench.serve("exit(3)")
    arn = run(client)
    bench.ecs.join(arn)
    task = described(client, arn)
    assert (task["lastStatus"], task["desiredStatus"]) == ("STOPPED", "STOPPED")
    assert task["containers"][0]["exitCode"] == 3
    assert task["stoppedAt"].astimezone(UTC) == bench.now


def test_task_that_nobody_knows_is_missing(bench: Bench) -> None:
    client = bench.serve()
    arn = run(client)
    bench.ecs.join(arn)
    bench.now += timedelta(hours=1)  # so long does ECS show a stopped task
    answer = client.describe_tasks(cluster="training", tasks=[arn])
    assert answer["tasks"] == []
    assert answer["failures"] == [{"arn": arn, "reason": "MISSING"}]


def test_tasks_are_listed_by_starter_family_and_status(bench: Bench) -> None:
    client = bench.serve(WAIT)
    arn = run(client)

    def listed(**filters: str) -> list[str]:
        return list(client.list_tasks(cluster="training", **filters)["taskArns"])

    assert listed(startedBy="run-1") == listed(family="trainer") == listed() == [arn]
    assert listed(startedBy="run-2") == listed(family="other") == []
    assert listed(desiredStatus="STOPPED") == []
    client.stop_task(cluster="training", task=arn)
    assert listed() == []
    assert listed(desiredStatus="STOPPED", startedBy="run-1") == [arn]


def test_task_that_is_stopped_gets_a_chance_to_end_well(bench: Bench) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(143)); " + WAIT
    client = bench.serve(code)
    arn = run(client)
    bench.line()
    client.stop_task(cluster="training", task=arn, reason="cancelled by a person")
    detail = bench.stopped()
    assert (detail["stopCode"], detail["stoppedReason"]) == (
        "UserInitiated",
        "cancelled by a person",
    )
    assert detail["containers"][0]["exitCode"] == 143


def test_task_that_does_not_listen_is_killed_with_all_its_children(bench: Bench) -> None:
    code = DEAF + "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[0]])"
    code = code.replace("sys.argv[0]", repr(DEAF + "import time; time.sleep(600)"))
    client = bench.serve(code, stop_timeout_seconds=0.1)
    arn = run(client)
    assert (bench.line(), bench.line()) == ("up", "up")
    client.stop_task(cluster="training", task=arn)
    assert bench.stopped()["containers"][0]["exitCode"] == 137


def test_spot_task_is_taken_back_as_fargate_does(bench: Bench) -> None:
    arn = run(bench.serve(WAIT))
    bench.line()
    bench.ecs.interrupt(arn)
    detail = bench.stopped()
    assert (detail["stopCode"], detail["containers"][0]["exitCode"]) == ("SpotInterruption", 143)


def test_close_ends_every_task_and_starts_no_other(bench: Bench) -> None:
    client = bench.serve(WAIT)
    for number in range(2):
        run(client, clientToken=f"token-{number}")
        bench.line()
    bench.ecs.close()
    assert {bench.stopped()["stoppedReason"] for _ in range(2)} == {"The cluster is shut down."}
    assert refused_with(client, CALL)["Error"]["Code"] == "ServerException"


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is Linux's")
def test_task_ends_when_its_owner_is_killed(bench: Bench) -> None:
    code = f"import os; print(os.getpid(), flush=True); {WAIT}"
    command = [sys.executable, "-c", OWNER, code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        pid = next(int(line) for line in owner.stdout if line.strip().isdigit())
        pidfd = os.pidfd_open(pid)
        owner.send_signal(signal.SIGKILL)
    with closing(os.fdopen(pidfd)):
        assert select.select([pidfd], [], [], LIMIT_SECONDS)[0]


def test_task_is_out_of_the_reach_of_a_terminals_interrupt(bench: Bench) -> None:
    run(bench.serve("import os; print(os.getsid(0))"))
    assert int(bench.line()) != os.getsid(0)


def test_container_reads_who_it_is(bench: Bench) -> None:
    code = (
        "import json, os, urllib.request as u; "
        "print(u.urlopen(os.environ['ECS_CONTAINER_METADATA_URI_V4'] + '/task').read().decode())"
    )
    arn = run(bench.serve(code))
    told = json.loads(bench.line())
    assert (told["TaskARN"], told["Cluster"], told["Family"]) == (arn, CLUSTER, "trainer")


def test_task_goes_on_when_a_listener_fails(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    run(bench.serve("print('unheard-of'); print('heard')"))
    assert bench.line() == "heard"
    assert bench.stopped()["containers"][0]["exitCode"] == 0
    assert "ValueError: unheard-of" in caplog.text


def test_same_token_starts_one_task(bench: Bench) -> None:
    client = bench.serve(WAIT)
    assert run(client) == run(client)
    assert run(client, clientToken="run-1-2") != run(client)


def test_call_without_token_starts_another_task_each_time(bench: Bench) -> None:
    client = bench.serve()
    call = {name: value for name, value in CALL.items() if name != "clientToken"}
    arns = {client.run_task(**call)["tasks"][0]["taskArn"] for _ in range(2)}
    assert len(arns) == 2


def test_token_conflicts_when_the_parameters_differ(bench: Bench) -> None:
    client = bench.serve()
    arn = run(client)
    with pytest.raises(client.exceptions.ConflictException) as refused:
        run(client, startedBy="run-2")
    assert refused.value.response["resourceIds"] == [arn]


@pytest.mark.parametrize(
    ("code", "hours", "is_forgotten"),
    [
        ("pass", 0.9, False),
        ("pass", 1.0, True),  # an hour after the task's end
        (WAIT, 23.9, False),
        (WAIT, 24.0, True),  # or a day after its start
    ],
)
def test_token_is_forgotten_in_time(
    bench: Bench, code: str, hours: float, is_forgotten: bool
) -> None:
    client = bench.serve(code)
    first = run(client)
    if code == "pass":
        bench.ecs.join(first)
    bench.now += timedelta(hours=hours)
    assert (run(client) != first) == is_forgotten


def test_count_starts_as_many_tasks(bench: Bench) -> None:
    assert len(bench.serve().run_task(**CALL, count=3)["tasks"]) == 3


REFUSALS = [
    ({"cluster": "other"}, "ClusterNotFoundException"),
    ({"taskDefinition": "trainer:2"}, "ClientException"),
    ({"count": 0}, "InvalidParameterException"),
    ({"count": 11}, "InvalidParameterException"),
    ({"startedBy": "run:1"}, "InvalidParameterException"),
    ({"startedBy": "r" * 129}, "InvalidParameterException"),
    ({"clientToken": "run 1"}, "InvalidParameterException"),
    ({"clientToken": "r" * 65}, "InvalidParameterException"),
    ({"launchType": "EC2"}, "InvalidParameterException"),
    (
        {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]},  # and a launch type
        "InvalidParameterException",
    ),
    ({"networkConfiguration": {}}, "InvalidParameterException"),
    (
        {"networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}},
        "InvalidParameterException",
    ),
    (
        {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["vpc-1"]}}},
        "InvalidParameterException",
    ),
    ({"overrides": {"containerOverrides": [{"name": "other"}]}}, "InvalidParameterException"),
    (
        {"overrides": {"containerOverrides": [{"name": "trainer", "command": ["sh"]}]}},
        "InvalidParameterException",
    ),
    ({"overrides": overriding(A="x" * 8192)}, "InvalidParameterException"),
    ({"overrides": {"cpu": "1000"}}, "ClientException"),
    ({"overrides": {"memory": "1024"}}, "ClientException"),  # too little for 1024 units of CPU
    ({"overrides": {"cpu": "8192", "memory": "17408"}}, "ClientException"),  # between two steps
]


@pytest.mark.parametrize(("parameters", "code"), REFUSALS)
def test_call_is_refused_as_by_aws(bench: Bench, parameters: dict[str, Any], code: str) -> None:
    client = bench.serve()
    assert refused_with(client, CALL | parameters)["Error"]["Code"] == code
    assert client.list_tasks(cluster="training")["taskArns"] == []
    assert bench.events.empty()


@pytest.mark.parametrize(
    "parameters",
    [
        {"cluster": CLUSTER},
        {"taskDefinition": "trainer:1"},
        {"taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/trainer:1"},
        {"count": 10},
        {"startedBy": "aZ09/_-" + "r" * 121},
        {"clientToken": "!~" + "r" * 62},
        {"overrides": {"cpu": "8192", "memory": "20480"}},
        {"overrides": {"cpu": "256", "memory": "512"}},
    ],
)
def test_call_is_accepted_at_the_limits(bench: Bench, parameters: dict[str, Any]) -> None:
    assert bench.serve().run_task(**CALL | parameters)["tasks"]


ON_ANY_CAPACITY = {name: value for name, value in CALL.items() if name != "launchType"}
SPOT = {"capacityProvider": "FARGATE_SPOT", "weight": 1}


@pytest.mark.parametrize(
    "strategy",
    [
        [SPOT],
        [SPOT, {"capacityProvider": "FARGATE"}],
        [SPOT | {"weight": 1000, "base": 100_000}, {"capacityProvider": "FARGATE", "weight": 1}],
    ],
)
def test_spot_is_asked_for_by_capacity_provider(
    bench: Bench, strategy: list[dict[str, Any]]
) -> None:
    given: Any = ON_ANY_CAPACITY | {"capacityProviderStrategy": strategy}
    (task,) = bench.serve().run_task(**given)["tasks"]
    assert (task["capacityProviderName"], task["launchType"]) == ("FARGATE_SPOT", "FARGATE")


@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param([{"capacityProvider": "SPOT", "weight": 1}], id="unknown"),
        pytest.param([{"capacityProvider": "FARGATE_SPOT"}], id="no weight is weight 0"),
        pytest.param([SPOT | {"weight": 1001}], id="too heavy"),
        pytest.param([SPOT | {"base": 100_001}], id="too broad"),
        pytest.param([SPOT, SPOT], id="twice"),
        pytest.param(
            [SPOT | {"base": 1}, SPOT | {"capacityProvider": "FARGATE", "base": 1}], id="two bases"
        ),
    ],
)
def test_strategy_that_aws_does_not_take_is_refused(
    bench: Bench, strategy: list[dict[str, Any]]
) -> None:
    answer = refused_with(bench.serve(), ON_ANY_CAPACITY | {"capacityProviderStrategy": strategy})
    assert answer["Error"]["Code"] == "InvalidParameterException"


def test_unknown_task_cannot_be_stopped(bench: Bench) -> None:
    client = bench.serve()
    with pytest.raises(client.exceptions.InvalidParameterException, match="not found"):
        client.stop_task(cluster="training", task="nobody")


def test_scripted_failure_comes_with_status_200_and_no_task(bench: Bench) -> None:
    client = bench.serve()
    bench.ecs.script(Failure("RESOURCE:MEMORY"))
    answer = client.run_task(**CALL)
    assert (answer["tasks"], answer["failures"][0]["reason"]) == ([], "RESOURCE:MEMORY")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert run(client)


@pytest.mark.parametrize(
    ("code", "status"),
    [("ThrottlingException", 400), ("AccessDeniedException", 400), ("ServerException", 500)],
)
def test_scripted_refusal_is_an_error_of_aws(bench: Bench, code: str, status: int) -> None:
    client = bench.serve()
    bench.ecs.script(Refusal(code, "scripted", status))
    response = refused_with(client, CALL)
    assert response["Error"] == {"Code": code, "Message": "scripted"}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert run(client)


def test_lost_answer_leaves_a_task_that_the_token_finds_again(bench: Bench) -> None:
    client = bench.serve(WAIT)
    bench.ecs.script(LostAnswer())
    assert refused_with(client, CALL)["Error"]["Code"] == "ServerException"
    (started,) = client.list_tasks(cluster="training", startedBy="run-1")["taskArns"]
    assert run(client) == started


def test_lost_answer_is_healed_by_botos_own_retry(bench: Bench) -> None:
    bench.serve(WAIT)
    bench.ecs.script(LostAnswer())
    client = bench.client(attempts=2)
    arn = run(client)
    assert client.list_tasks(cluster="training")["taskArns"] == [arn]


def test_scripted_task_never_starts(bench: Bench) -> None:
    client = bench.serve()
    bench.ecs.script(IMAGE_MISSING)
    arn = run(client)
    bench.ecs.join(arn)
    detail = bench.events.get_nowait()["detail"]
    assert (detail["taskArn"], detail["stopCode"]) == (arn, "TaskFailedToStart")
    assert detail["stoppedReason"].startswith("CannotPullContainerError")
    assert "exitCode" not in detail["containers"][0]
    assert bench.lines.empty()


def test_scripted_task_runs_out_of_memory(bench: Bench) -> None:
    client = bench.serve()
    bench.ecs.script(OUT_OF_MEMORY)
    arn = run(client)
    (container,) = bench.stopped()["containers"]
    assert container["exitCode"] == 137
    assert container["reason"].startswith("OutOfMemoryError")
    assert described(client, arn)["stopCode"] == "EssentialContainerExited"
