from __future__ import annotations

import pytest

from autoretrain_local.ecs_endpoint import (
    IMAGE_MISSING,
    OUT_OF_MEMORY,
    Failure,
    LostAnswer,
    Refusal,
)
from tests.local.ecs.cluster import CALL, WAIT, Bench, described, refused_with, run


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
