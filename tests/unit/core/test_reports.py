from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from autoretrain.domain.models import MANIFEST_FILE, REPORT_FILE
from autoretrain.errors import ArtifactCorrupt
from autoretrain.services.reports import Reports


class Store:
    """Files by key; refuses what does not have the hash that is asked for."""

    def __init__(self, **files: Any) -> None:
        self.files = {f"key/{name}": json.dumps(told).encode() for name, told in files.items()}

    def put(self, key: str, content: bytes, content_type: str) -> None:
        raise NotImplementedError

    def get(self, key: str, sha256: str) -> bytes:
        content = self.files[key]
        if sha256_of(content) != sha256:
            raise ArtifactCorrupt(key)
        return content


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def store_with(report: Any, vouched: str | None = None) -> tuple[Store, str]:
    """The store, and the hash of its manifest."""
    sha256 = vouched or sha256_of(json.dumps(report).encode())
    manifest = {"report": {"sha256": sha256}}
    store = Store(**{MANIFEST_FILE: manifest, REPORT_FILE: report})
    return store, sha256_of(json.dumps(manifest).encode())


def test_a_report_is_what_the_manifest_vouches_for() -> None:
    store, manifest_sha256 = store_with({"format": 1})

    assert Reports(lambda: store).of("key", manifest_sha256) == {"format": 1}


def test_a_report_that_was_changed_is_refused() -> None:
    store, manifest_sha256 = store_with({"format": 1}, vouched="0" * 64)

    with pytest.raises(ArtifactCorrupt):
        Reports(lambda: store).of("key", manifest_sha256)


def test_a_changed_manifest_is_refused() -> None:
    store, _ = store_with({"format": 1})

    with pytest.raises(ArtifactCorrupt):
        Reports(lambda: store).of("key", "0" * 64)


def test_there_is_no_report_when_the_manifest_names_none() -> None:
    store = Store(**{MANIFEST_FILE: {}})

    assert Reports(lambda: store).of("key", sha256_of(b"{}")) is None
