"""What a deployed stack needs of AWS, asked with the caller's own credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from autoretrain.aws.patience import PATIENT
from autoretrain_local.doctor.findings import Finding, bad, good, unknown

CREDENTIALS = "check the credentials and the region (`aws sts get-caller-identity`)"


def look_at_aws(stack_name: str) -> Iterator[Finding]:
    """The stack's state, its bucket and its cluster, as its outputs name them."""
    try:
        cloudformation = boto3.client("cloudformation", config=PATIENT)
        (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except (BotoCoreError, ClientError) as exc:
        yield unknown("stack", f"{stack_name} cannot be looked at ({_told(exc)})", CREDENTIALS)
        return
    yield stack_state(stack_name, stack["StackStatus"])
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}
    yield from _bucket(outputs)
    yield from _cluster(outputs)


def stack_state(name: str, status: str) -> Finding:
    """`status` is CloudFormation's word."""
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
        return good("stack", f"{name} is {status}")
    return bad("stack", f"{name} is {status}", "deploy it again, and read the first failed event")


def _bucket(outputs: Mapping[str, str]) -> Iterator[Finding]:
    name = outputs.get("ModelBucketName")
    if name is None:
        yield bad("model store", "the stack has no output ModelBucketName", "deploy it again")
        return
    try:
        boto3.client("s3", config=PATIENT).head_bucket(Bucket=name)
    except (BotoCoreError, ClientError) as exc:
        yield _refused("model store", f"the bucket {name}", exc, "s3:ListBucket")
    else:
        yield good("model store", f"the bucket {name} answers")


def _cluster(outputs: Mapping[str, str]) -> Iterator[Finding]:
    name = outputs.get("ClusterName")
    if name is None:
        yield bad("cluster", "the stack has no output ClusterName", "deploy it again")
        return
    try:
        answer = boto3.client("ecs", config=PATIENT).describe_clusters(clusters=[name])
    except (BotoCoreError, ClientError) as exc:
        yield _refused("cluster", f"the cluster {name}", exc, "ecs:DescribeClusters")
        return
    states = [cluster["status"] for cluster in answer["clusters"]]
    if states == ["ACTIVE"]:
        yield good("cluster", f"the cluster {name} is active")
    else:
        yield bad("cluster", f"the cluster {name} is not there", "deploy the stack again")


def _refused(check: str, what: str, exc: BotoCoreError | ClientError, action: str) -> Finding:
    """Absent is the stack's fault, everything else that of whoever looks."""
    code = _told(exc)
    if code in ("404", "NoSuchBucket", "ClusterNotFoundException"):
        return bad(check, f"{what} is not there", "deploy the stack again")
    todo = f"allow {action} to whoever looks" if code in ("403", "AccessDenied") else CREDENTIALS
    return unknown(check, f"{what} cannot be looked at ({code})", todo)


def _told(exc: BotoCoreError | ClientError) -> str:
    if isinstance(exc, ClientError):
        return str(exc.response["Error"]["Code"])
    return str(exc)
