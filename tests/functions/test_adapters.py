from __future__ import annotations

import hashlib
from uuid import uuid4

import boto3
import pytest

from autoretrain.aws.artifacts import S3Artifacts
from autoretrain.aws.invoker import LambdaInvoker
from autoretrain.aws.secrets import database_url
from autoretrain.aws.tasks import ClusterTasks
from autoretrain.errors import (
    ArtifactCorrupt,
    ArtifactMissing,
    ArtifactUnavailable,
    BadSetting,
    DependencyError,
    InvokeFailed,
)
from autoretrain_local.stack import BUCKET, CLUSTER
from tests.functions.conftest import Running

MODEL = b"tree\nversion=v4\n"
SHA256 = hashlib.sha256(MODEL).hexdigest()


def test_model_is_read_as_it_was_written_and_writing_it_again_changes_nothing(
    running: Running,
) -> None:
    store = S3Artifacts(BUCKET)

    store.put("models/a/model.txt", MODEL, "text/plain")
    store.put("models/a/model.txt", MODEL, "text/plain")

    assert store.get("models/a/model.txt", SHA256) == MODEL


def test_key_never_changes_its_content(running: Running) -> None:
    store = S3Artifacts(BUCKET)
    store.put("models/a/model.txt", MODEL, "text/plain")

    with pytest.raises(ArtifactCorrupt):
        store.put("models/a/model.txt", MODEL + b"x", "text/plain")

    assert store.get("models/a/model.txt", SHA256) == MODEL


def test_file_that_somebody_has_changed_is_never_handed_out(running: Running) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="models/a/model.txt", Body=MODEL[:-1])

    with pytest.raises(ArtifactCorrupt, match="sha256 differs"):
        S3Artifacts(BUCKET).get("models/a/model.txt", SHA256)


def test_file_that_is_gone_is_the_operators_to_put_back(running: Running) -> None:
    with pytest.raises(ArtifactMissing, match="put it back"):
        S3Artifacts(BUCKET).get("models/none/model.txt", SHA256)


def test_store_that_does_not_take_a_file_is_a_dependency_that_failed(running: Running) -> None:
    with pytest.raises(ArtifactUnavailable):
        S3Artifacts("no-such-bucket").put("models/a/model.txt", MODEL, "text/plain")


def test_secret_that_is_absent_or_odd_is_the_operators_to_mend(running: Running) -> None:
    secrets = boto3.client("secretsmanager")
    odd = secrets.create_secret(Name="odd", SecretString="postgresql://plain")["ARN"]

    with pytest.raises(BadSetting, match="is not JSON of the form"):
        database_url(odd)
    with pytest.raises(BadSetting, match="cannot be read"):
        database_url(odd.replace("odd", "none"))


def test_event_that_no_function_takes_is_told(running: Running) -> None:
    with pytest.raises(InvokeFailed, match="nobody"):
        LambdaInvoker("nobody").invoke({})


def test_task_that_was_never_started_is_not_found(running: Running) -> None:
    assert ClusterTasks(CLUSTER).find(uuid4(), 1) is None
    with pytest.raises(DependencyError):
        ClusterTasks("another").find(uuid4(), 1)
