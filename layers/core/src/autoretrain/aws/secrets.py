"""The database's address: one JSON secret, `{"url": …}`, never in an environment or a log."""

from __future__ import annotations

import json

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from autoretrain.aws.patience import PATIENT
from autoretrain.errors import BadSetting, DependencyError


def database_url(secret_arn: str) -> str:
    """Read the URL. Raises BadSetting for a secret that is absent or not such JSON."""
    try:
        secret = boto3.client("secretsmanager", config=PATIENT).get_secret_value(
            SecretId=secret_arn
        )
    except ClientError as exc:
        code = exc.response["Error"]["Code"]
        if code in ("ResourceNotFoundException", "AccessDeniedException"):
            raise BadSetting(
                f"the database secret DATABASE_SECRET_ARN cannot be read ({code}):"
                " check its name and this function's permission"
            ) from exc
        raise DependencyError(f"Secrets Manager does not answer: {code}") from exc
    except BotoCoreError as exc:
        raise DependencyError(f"Secrets Manager cannot be reached: {exc}") from exc
    try:
        url: str = json.loads(secret["SecretString"])["url"]
    except (KeyError, TypeError, json.JSONDecodeError) as exc:
        raise BadSetting('the database secret is not JSON of the form {"url": …}') from exc
    return url
