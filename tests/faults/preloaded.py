"""What the fork server of the doomed trainers has read before it makes the first of them."""

from __future__ import annotations

from tests.faults.offers import session

for service in ("s3", "secretsmanager"):
    session().create_client(service, "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
