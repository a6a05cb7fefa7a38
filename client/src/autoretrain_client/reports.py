"""Fetches a model's report, and hands on nothing that the published manifest does not vouch for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from autoretrain_client.answers import ModelReport
from autoretrain_client.errors import ModelRefused, NotFound
from autoretrain_client.store import (
    LARGEST_MANIFEST_BYTES,
    LARGEST_REPORT_BYTES,
    check,
    content,
    open_store,
)

FORMAT = 1


def fetch_report(
    model: ModelReport, transport: httpx.BaseTransport | None = None
) -> Mapping[str, Any]:
    """The report's JSON. Raises NotFound where the model has none, Unavailable, ModelRefused."""
    with open_store(transport) as store:
        manifest = content(store, model.manifest_url, "manifest", LARGEST_MANIFEST_BYTES)
        check(manifest, model.manifest_sha256, "manifest")
        sha256 = _report_sha256(json.loads(manifest), model.version)
        report = content(store, model.report_url, "report", LARGEST_REPORT_BYTES)
    check(report, sha256, "report")
    return _read(report)


def _report_sha256(manifest: object, version: str) -> str:
    match manifest:
        case {"report": {"sha256": str(sha256)}}:
            return sha256
    raise NotFound(f"{version} has no report: it was trained before there were any")


def _read(report: bytes) -> Mapping[str, Any]:
    told = json.loads(report)
    if isinstance(told, dict) and told.get("format") == FORMAT:
        return told
    raise ModelRefused(
        f"the report is not of format {FORMAT}, the one that this client reads: is it too old?"
    )
