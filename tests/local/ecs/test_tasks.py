from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, timedelta

import pytest

from autoretrain_local.ecs_endpoint import TaskDefinition
from tests.local.ecs.cluster import (
    CALL,
    CLUSTER,
    DEAF,
    LIMIT_SECONDS,
    OWNER,
    WAIT,
    Bench,
    described,
    overriding,
    refused_with,
    run,
)


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


def test_unknown_task_cannot_be_stopped(bench: Bench) -> None:
    client = bench.serve()
    with pytest.raises(client.exceptions.InvalidParameterException, match="not found"):
        client.stop_task(cluster="training", task="nobody")
