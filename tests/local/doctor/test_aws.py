from __future__ import annotations

import boto3

from autoretrain_local.doctor.aws import look_at_aws, stack_state
from autoretrain_local.doctor.findings import State


def test_stack_that_stands_is_good(stack: str) -> None:
    assert [(one.check, one.state) for one in look_at_aws(stack)] == [
        ("stack", State.GOOD),
        ("model store", State.GOOD),
        ("cluster", State.GOOD),
    ]


def test_bucket_and_cluster_that_are_gone_are_told(stack: str) -> None:
    boto3.client("s3").delete_bucket(Bucket="models")
    boto3.client("ecs").delete_cluster(cluster="trainers")

    assert [(one.check, one.state) for one in look_at_aws(stack)] == [
        ("stack", State.GOOD),
        ("model store", State.BAD),
        ("cluster", State.BAD),
    ]


def test_stack_that_is_not_there_is_not_seen(stack: str) -> None:
    (finding,) = look_at_aws("another")

    assert (finding.check, finding.state) == ("stack", State.UNKNOWN)


def test_stack_that_failed_is_to_be_mended() -> None:
    assert stack_state("auto-retrain", "ROLLBACK_COMPLETE").state is State.BAD
