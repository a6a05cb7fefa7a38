"""How long we wait for AWS: less than a function may run, so that it can still say so."""

from __future__ import annotations

from botocore.config import Config

PATIENT = Config(
    connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": 3}
)
