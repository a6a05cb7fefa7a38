from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tests.local.doctor.looks import traded
from tests.world import World

STACK = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "models"}},
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "trainers"}},
    },
    "Outputs": {"ModelBucketName": {"Value": "models"}, "ClusterName": {"Value": "trainers"}},
}


@pytest.fixture
def world(clone: str) -> World:
    return traded(World(clone))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        body = json.dumps(STACK)
        boto3.client("cloudformation").create_stack(StackName="auto-retrain", TemplateBody=body)
        yield "auto-retrain"
