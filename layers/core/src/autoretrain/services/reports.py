"""Reads the report that lies beside a stored model, and nothing that its manifest does not vouch
for."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property

from autoretrain.domain.json import Json
from autoretrain.domain.models import MANIFEST_FILE, REPORT_FILE
from autoretrain.ports import ArtifactStore


class Reports:
    """`opened` makes the store when the first report is asked for: few callers ask."""

    def __init__(self, opened: Callable[[], ArtifactStore]) -> None:
        self._opened = opened

    @cached_property
    def _store(self) -> ArtifactStore:
        return self._opened()

    def of(self, artifact_key: str, manifest_sha256: str) -> Json | None:
        """None where the model was trained before there were reports. Raises what `get` of the
        store raises."""
        manifest = json.loads(self._store.get(f"{artifact_key}/{MANIFEST_FILE}", manifest_sha256))
        vouched = manifest.get("report")
        if vouched is None:
            return None
        report: Json = json.loads(
            self._store.get(f"{artifact_key}/{REPORT_FILE}", vouched["sha256"])
        )
        return report
