from __future__ import annotations

import hashlib
import json
import os
import traceback
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
import pytest

from autoretrain.aws.artifacts import S3Artifacts
from autoretrain.aws.invoker import LambdaInvoker
from autoretrain.aws.links import S3Links
from autoretrain.aws.secrets import KeptSecret, Secret, read_secret
from autoretrain.aws.tasks import ClusterTasks, FargateTasks
from autoretrain.errors import (
    ArtifactCorrupt,
    ArtifactMissing,
    ArtifactUnavailable,
    BadSetting,
    DependencyError,
    InvokeFailed,
)
from autoretrain_local.account import BUCKET, CLUSTER
from autoretrain_local.ecs_state import Stop
from autoretrain_local.postgres import PostgresServer
from tests.conftest import cloned
from tests.faults.rows import row
from tests.functions.conftest import Running, running_on

MODEL = b"tree\nversion=v4\n"
SHA256 = hashlib.sha256(MODEL).hexdigest()


@pytest.fixture(scope="module")
def running(
    postgres: PostgresServer, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """One for all: each test keeps to names of its own."""
    for url in cloned(postgres, templates["tables"]):
        with running_on(url, tmp_path_factory.mktemp("stack")) as up:
            yield up


@pytest.fixture
def key() -> str:
    return f"models/{uuid4()}/model.txt"


def test_model_is_read_as_it_was_written_and_writing_it_again_changes_nothing(
    running: Running, key: str
) -> None:
    store = S3Artifacts(BUCKET)

    store.put(key, MODEL, "text/plain")
    store.put(key, MODEL, "text/plain")

    assert store.get(key, SHA256) == MODEL


@row("F21")
def test_key_never_changes_its_content(running: Running, key: str) -> None:
    store = S3Artifacts(BUCKET)
    store.put(key, MODEL, "text/plain")

    with pytest.raises(ArtifactCorrupt):
        store.put(key, MODEL + b"x", "text/plain")

    assert store.get(key, SHA256) == MODEL


@row("B32")
def test_file_that_somebody_has_changed_is_never_handed_out(running: Running, key: str) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=MODEL[:-1])

    with pytest.raises(ArtifactCorrupt, match="sha256 differs"):
        S3Artifacts(BUCKET).get(key, SHA256)


def test_file_that_is_gone_is_the_operators_to_put_back(running: Running) -> None:
    with pytest.raises(ArtifactMissing, match="put it back"):
        S3Artifacts(BUCKET).get("models/none/model.txt", SHA256)


def test_store_that_does_not_take_a_file_is_a_dependency_that_failed(running: Running) -> None:
    with pytest.raises(ArtifactUnavailable):
        S3Artifacts("no-such-bucket").put("models/a/model.txt", MODEL, "text/plain")


@pytest.mark.parametrize(
    "odd", ["postgresql://me:hunter2@db", "{}", "[]", '{"url": 1}', '{"url": "x", "ca": 1}']
)
@row("B35")
def test_secret_that_is_odd_is_the_operators_to_mend_and_is_not_repeated(
    running: Running, key: str, odd: str
) -> None:
    made = boto3.client("secretsmanager").create_secret(Name=key, SecretString=odd)

    with pytest.raises(BadSetting, match="database secret is not") as raised:
        read_secret(made["ARN"])

    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


def test_secret_that_is_absent_is_the_operators_to_mend(running: Running) -> None:
    with pytest.raises(BadSetting, match="cannot be read"):
        read_secret("arn:aws:secretsmanager:eu-central-1:000000000000:secret:none")


def test_secret_is_read_whole_and_again_where_five_minutes_ago_will_not_do(
    running: Running,
) -> None:
    client = boto3.client("secretsmanager")
    before, after = ({"url": url, "ca": "PEM", "jwt_secret": "s"} for url in ("old", "new"))
    arn = client.create_secret(Name="rotating", SecretString=json.dumps(before))["ARN"]
    now = 0.0
    kept = KeptSecret(arn, lambda: now)

    assert kept.recent() == Secret("old", "PEM", "s")
    client.put_secret_value(SecretId=arn, SecretString=json.dumps(after))
    now = 299.0
    assert kept.recent() == Secret("old", "PEM", "s")
    now = 300.0
    assert kept.recent() == Secret("new", "PEM", "s")
    client.put_secret_value(SecretId=arn, SecretString='{"url": "newest", "ca": null}')
    assert kept.fresh() == kept.recent() == Secret("newest")
    assert "newest" not in repr(kept.recent())


def test_event_that_no_function_takes_is_told(running: Running) -> None:
    with pytest.raises(InvokeFailed, match="nobody"):
        LambdaInvoker("nobody").invoke({})


def test_task_that_was_never_started_is_not_found(running: Running) -> None:
    assert ClusterTasks(CLUSTER).find(uuid4(), 1) is None
    with pytest.raises(DependencyError):
        ClusterTasks("another").find(uuid4(), 1)


@pytest.mark.parametrize(
    ("spot", "attempt", "provider"),
    [
        (False, 1, None),
        (True, 1, "FARGATE_SPOT"),
        (True, 2, "FARGATE_SPOT"),
        (True, 3, None),
        (True, 9, None),
    ],
)
def test_trainer_takes_spot_capacity_until_two_attempts_have_not_come_to_their_end(
    running: Running, spot: bool, attempt: int, provider: str | None
) -> None:
    running.stack.ecs.script(Stop("SpotInterruption", "taken back", exit_code=143))
    tasks = FargateTasks(
        cluster=CLUSTER,
        task_definition=os.environ["TRAINER_TASK_DEFINITION"],
        subnets=("subnet-1",),
        security_groups=("sg-1",),
        assign_public_ip="ENABLED",
        spot=spot,
    )

    task_arn = tasks.launch(uuid4(), attempt)

    described = boto3.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[task_arn])
    (task,) = described["tasks"]
    assert task.get("capacityProviderName") == provider


@pytest.mark.parametrize("region", ["eu-central-1", "eu-south-1", "me-central-1"])
def test_link_of_a_model_leads_to_the_buckets_own_region(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")

    address = urlsplit(S3Links("models-of-mine").url("models/a/model.txt", 900))

    assert address.hostname == f"models-of-mine.s3.{region}.amazonaws.com"
    assert "X-Amz-Expires=900" in address.query
