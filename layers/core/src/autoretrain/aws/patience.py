"""How long one call to AWS may take: well below 30 s, what the shortest function may run."""

from __future__ import annotations

from botocore.config import Config

PATIENT = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "max_attempts": 2})
BRIEF = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "max_attempts": 2})
"""Below 12 s, for what comes after the work is done and may as well come later."""
