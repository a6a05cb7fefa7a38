"""Lambda's GetFunction: which image a function's version was published with."""

from __future__ import annotations

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from autoretrain.aws.patience import PATIENT
from autoretrain.errors import DependencyError, OperatorError

_REFUSALS = {"AccessDeniedException", "ResourceNotFoundException", "ValidationException"}


class FunctionImages:
    """See `services.deploy.Images`."""

    def image_of(self, version_arn: str) -> str:
        try:
            answer = boto3.client("lambda", config=PATIENT).get_function(FunctionName=version_arn)
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            if code in _REFUSALS:
                raise OperatorError(
                    f"{version_arn} cannot be looked at ({code}): check its name and this"
                    " function's permission lambda:GetFunction"
                ) from exc
            raise DependencyError(f"Lambda does not answer: {code}") from exc
        except BotoCoreError as exc:
            raise DependencyError(f"Lambda cannot be reached: {exc}") from exc
        image = answer["Code"].get("ResolvedImageUri")
        if image is None:
            raise OperatorError(f"{version_arn} has no image: it is not an image function")
        return image
