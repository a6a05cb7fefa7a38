"""Writes and reads the manifest that lies beside a stored model: how it was made, from what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime

from autoretrain.domain.gate import Evidence
from autoretrain.domain.json import Json, JsonValue
from autoretrain.domain.models import (
    MANIFEST_FILE,
    MODEL_FILE,
    REPORT_FILE,
    Artifact,
    Assignment,
    Champion,
    Election,
    RowsRead,
)
from autoretrain.errors import ArtifactCorrupt
from autoretrain.ports import ArtifactStore
from autoretrain_trainer import fit
from autoretrain_trainer.fit import Course, Model
from autoretrain_trainer.inputs import Input
from autoretrain_trainer.recipe import recipe_for
from autoretrain_trainer.rows import Trades, to_datetime

FORMAT = 1


def artifact(
    assignment: Assignment,
    course: Course,
    model: Model,
    fitted: Trades,
    rows: RowsRead,
    evidence: Evidence,
    election: Election,
    fingerprint: str,
) -> Artifact:
    """The model that bots would load, fitted on `fitted`, with all that explains it."""
    manifest: Json = {
        "format": FORMAT,
        "strategy_id": str(assignment.strategy_id),
        "run_id": str(assignment.run_id),
        **columns_json(model.inputs, model.symbols),
        "feature_weights": dict(course.weights),
        "recipe": recipe_for(len(fitted)).to_json() | {"params": course.params(len(fitted))},
        "lightgbm": fit.LIGHTGBM_VERSION,
        "model": {"file": MODEL_FILE, "sha256": model.sha256, "bytes": len(model.text)},
        "rows": _rows(rows, fitted),
        "data_from": _moment(int(fitted.decided_at[0])),
        "data_cutoff": _moment(fitted.last_closed_at),
        "win_rate": win_rate(fitted),
        "evidence": _evidence(evidence),
        "memory": election.to_json(),
        "fingerprint": fingerprint,
    }
    return Artifact(model.text, manifest)


def with_report(made: Artifact, report: bytes) -> Artifact:
    """The same model with a report, which its manifest vouches for."""
    told: Json = {
        "file": REPORT_FILE,
        "sha256": hashlib.sha256(report).hexdigest(),
        "bytes": len(report),
    }
    return replace(made, manifest=made.manifest | {"report": told}, report=report)


def win_rate(fitted: Trades) -> float:
    """The share of wins among the executed trades; among all where none was executed."""
    executed = fitted.win[fitted.executed]
    return float((executed if len(executed) else fitted.win).mean())


def load_champion(champion: Champion, artifacts: ArtifactStore) -> Model:
    """The champion, its hashes checked. Raises ArtifactUnavailable or ArtifactCorrupt."""
    folder = champion.artifact_key
    manifest = artifacts.get(f"{folder}/{MANIFEST_FILE}", champion.manifest_sha256)
    inputs, symbols = read_columns(json.loads(manifest))
    # The store has checked the hash, and it must: LightGBM ends the process on broken text.
    text = artifacts.get(f"{folder}/{MODEL_FILE}", champion.sha256)
    return fit.load(text, inputs, symbols)


def read_columns(manifest: Json) -> tuple[tuple[Input, ...], tuple[str, ...]]:
    """A stored model's inputs in its column order, and its symbols. Raises ArtifactCorrupt.

    A symbol's code is its position plus 1. A model that knows no symbol need not list any.
    """
    match {"symbols": []} | manifest:
        case {"format": 1, "inputs": list(inputs), "symbols": list(symbols)}:
            return tuple(map(_input, inputs)), tuple(map(str, symbols))
    raise ArtifactCorrupt(
        f"The manifest has format {manifest.get('format')}; this version reads {FORMAT}."
    )


def _input(stored: JsonValue) -> Input:
    match stored:
        case {"feature": str(name)}:
            return Input("feature", name)
        case {"trade": "side" | "symbol" as name}:
            return Input("trade", str(name))
    raise ArtifactCorrupt(f"The manifest names an input that does not exist: {stored!r}")


def columns_json(inputs: Sequence[Input], symbols: Sequence[str]) -> Json:
    """What `read_columns` reads."""
    return {"inputs": [column.to_json() for column in inputs], "symbols": list(symbols)}


def _rows(rows: RowsRead, fitted: Trades) -> Json:
    return {
        "as_of": rows.as_of.isoformat(),
        "usable": rows.usable,
        "fitted": len(fitted),
        "purged": rows.purged,
        "dropped": dict(rows.dropped),
        "data_hash": rows.data_hash,
    }


def _evidence(evidence: Evidence) -> Json:
    figures = asdict(evidence)
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in figures.items()
    }


def _moment(microseconds: int) -> str:
    return to_datetime(microseconds).isoformat()
