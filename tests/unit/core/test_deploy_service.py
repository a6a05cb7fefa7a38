from __future__ import annotations

import pytest

from autoretrain.errors import OperatorError
from autoretrain.services.deploy import repository_arn

DIGEST = f"@sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("partition", "registry", "region"),
    [
        ("aws", "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "eu-central-1"),
        ("aws-cn", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("aws-us-gov", "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
    ],
)
@pytest.mark.parametrize("name", ["trainer", "autoretrain3f2a/trainerfunction9b1c-repo"])
def test_repository_is_read_from_the_image(
    partition: str, registry: str, region: str, name: str
) -> None:
    version = f"arn:{partition}:lambda:{region}:123456789012:function:trainer:7"
    assert repository_arn(version, f"{registry}/{name}{DIGEST}") == (
        f"arn:{partition}:ecr:{region}:123456789012:repository/{name}"
    )


@pytest.mark.parametrize(
    "image",
    [
        "trainer:v1",
        f"docker.io/library/trainer{DIGEST}",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/trainer:v1",
        f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/{DIGEST}",
    ],
)
def test_image_that_is_not_the_registrys_by_digest_is_refused(image: str) -> None:
    with pytest.raises(OperatorError, match="not one of ECR by digest"):
        repository_arn("arn:aws:lambda:eu-central-1:123456789012:function:trainer:7", image)
