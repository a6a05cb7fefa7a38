"""Short-lived addresses of stored models, for bots that have no AWS credentials."""

from __future__ import annotations

from functools import cached_property
from typing import Any


class S3Links:
    """Signing asks nobody: the address is as good as the role that signed it."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    @cached_property
    def _s3(self) -> Any:
        import boto3
        from botocore.config import Config

        # Version 4 and the bucket as a host name make an address in the bucket's own region: newer
        # regions refuse any other, and others redirect, which a signed request does not survive.
        regional = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
        return boto3.client("s3", config=regional)

    def url(self, key: str, seconds: int) -> str:
        """An address that anybody can read the object from, for so long."""
        address: str = self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
        )
        return address
