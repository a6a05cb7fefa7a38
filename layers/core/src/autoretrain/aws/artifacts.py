"""Models in S3 under keys that are written once and verified whenever they are read."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from autoretrain.aws.patience import PATIENT
from autoretrain.errors import ArtifactCorrupt, ArtifactMissing, ArtifactUnavailable


class S3Artifacts:
    """See `ports.ArtifactStore`."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._s3: Any = boto3.client("s3", config=PATIENT)

    def put(self, key: str, content: bytes, content_type: str) -> None:
        digest = hashlib.sha256(content)
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType=content_type,
                ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
                IfNoneMatch="*",
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "PreconditionFailed":
                raise ArtifactUnavailable(f"S3 did not take {key}: {exc}") from exc
            # An earlier try got through: it must have written these very bytes.
            self.get(key, digest.hexdigest())
        except BotoCoreError as exc:
            raise ArtifactUnavailable(f"S3 cannot be reached: {exc}") from exc

    def get(self, key: str, sha256: str) -> bytes:
        try:
            content: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as exc:
            if exc.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket"):
                raise ArtifactMissing(
                    f"{key} is not in the model store: put it back, or use the store that the"
                    " active model was trained into"
                ) from exc
            raise ArtifactUnavailable(f"S3 does not give {key}: {exc}") from exc
        except BotoCoreError as exc:
            raise ArtifactUnavailable(f"S3 cannot be reached: {exc}") from exc
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ArtifactCorrupt(f"{key} is not the file that was written: its sha256 differs")
        return content
