"""The image that Lambda resolved for the trainer's version goes to Fargate."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from tests.functions.deployment.conftest import Aws, Context, image_event

IMAGE = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/auto-retrain/trainer@sha256:{'0c' * 32}"


@pytest.mark.parametrize("partition", ["aws", "aws-cn"])
def test_image_of_the_version_goes_to_fargate(app: ModuleType, aws: Aws, partition: str) -> None:
    given = image_event(aws)
    arn = given["ResourceProperties"]["FunctionVersionArn"].replace("arn:aws:", f"arn:{partition}:")
    given["ResourceProperties"]["FunctionVersionArn"] = arn
    aws.functions[arn.rpartition("/")[2]] = (200, {"Code": {"ResolvedImageUri": IMAGE}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_SECRET_ARN", "arn:unread")

        app.handler(given, Context())

    assert aws.answer["Status"] == "SUCCESS"
    assert aws.answer["PhysicalResourceId"] == given["PhysicalResourceId"]
    assert aws.answer["Data"] == {
        "ImageUri": IMAGE,
        "RepositoryArn": f"arn:{partition}:ecr:eu-central-1:123456789012"
        ":repository/auto-retrain/trainer",
    }


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (404, {"Type": "User", "Code": "ResourceNotFoundException"}, "cannot be looked at"),
        (500, {"Type": "Service", "Code": "ServiceException"}, "Lambda does not answer"),
        (200, {"Code": {"Location": "https://a.zip"}}, "it is not an image function"),
        (200, {"Code": {"ResolvedImageUri": "trainer:v1"}}, "is not one of ECR by digest"),
    ],
)
def test_image_that_cannot_be_had_fails_the_deploy(
    app: ModuleType,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    answer: Any,
    words: str,
) -> None:
    monkeypatch.setenv("DATABASE_SECRET_ARN", "arn:unread")
    given = image_event(aws)
    arn = given["ResourceProperties"]["FunctionVersionArn"]
    aws.functions[arn] = (status, answer)

    app.handler(given, Context())

    assert aws.answer["Status"] == "FAILED"
    assert words in aws.answer["Reason"]
