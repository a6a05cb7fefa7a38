"""What AWS offers: megabytes of JSON, which every session of boto3 reads anew if it is let."""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader, create_loader
from botocore.session import Session


def session() -> Session:
    """One that knows what those before it have read, and nothing else of them."""
    made = Session()
    made.register_component("data_loader", _offers())
    return made


@cache
def _offers() -> Loader:
    return create_loader()
