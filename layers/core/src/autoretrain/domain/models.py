"""The values that travel between the rooms of the house."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from autoretrain.domain.degradation import Record
from autoretrain.domain.drift import Spread
from autoretrain.domain.gate import ActivationMode, Evidence, Outcome
from autoretrain.domain.json import Json

MODEL_FILE, MANIFEST_FILE = "model.txt", "manifest.json"
"""The two files of a stored model, below its artifact key."""

REPORT_FILE = "report.json"
"""How the model was judged, in figures and curves; the manifest holds its hash."""

MEMORIES_FILE = "memories.json"
"""What the training of that model leaves to the next one, beside it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One strategy's thresholds. Counts are closed trades, ages are days."""

    min_trades: int = 100
    new_trades: int = 50
    degradation_ratio: float = 0.90
    degradation_window: int = 50
    degradation_min_trades: int = 30
    degradation_rule: str = "ratio"
    max_age_days: float = 7.0
    feature_drift_psi: float | None = None


@dataclass(frozen=True, slots=True)
class RecentTrades:
    """The newest executed trades decided since the last training, and what the model said of them.

    `predicted` counts those that carry the active version and a win probability; `correct` of
    them were called right at p = 0.5, and `mean_confidence` is the mean of max(p, 1 - p).
    """

    count: int = 0
    wins: int = 0
    predicted: int = 0
    correct: int = 0
    mean_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one condition check knows of a strategy, read by one query at `as_of`.

    `total_trades` and `new_trades` stop counting at a bound: the check costs what is new, not
    what is old. `trades_read_at` is our own record of the last finished training and guards the
    claim: a run that finishes between reading and claiming makes the figures stale. `checkable`
    is active, enabled and not paused; the others are here for their queued run only. `spreads` are
    there where feature drift is looked for.
    """

    strategy_id: UUID
    user_id: UUID
    name: str
    as_of: datetime
    checkable: bool
    policy: Policy
    total_trades: int
    new_trades: int
    recent: RecentTrades = field(default_factory=RecentTrades)
    record: Record = field(default_factory=Record)
    spreads: Sequence[Spread] = ()
    model_version: str | None = None
    trained_at: datetime | None = None
    expected_accuracy: float | None = None
    expected_win_rate: float | None = None
    trades_read_at: datetime | None = None
    queued_run: UUID | None = None

    @property
    def never_trained(self) -> bool:
        return self.trained_at is None and self.model_version is None

    def has_enough_trades(self, policy: Policy) -> bool:
        """Below the minimum no condition fires."""
        return self.total_trades >= policy.min_trades


@dataclass(frozen=True, slots=True)
class Champion:
    """The active model: where it lies, and the last trade it may have learnt from."""

    version: str
    artifact_key: str
    sha256: str
    manifest_sha256: str
    data_cutoff: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the artifact store; `sha256` (hex) is that of its content."""

    key: str
    sha256: str


class Memory(StrEnum):
    """How far back a challenger learns from."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Election:
    """Which memory stood as the challenger.

    `scored` trades that both memories had predicted told, all of them decided and closed before
    the first judged one was decided. `z` is their mean paired log-loss difference, long minus
    short, over its standard error: above zero the short one was better; None where they were too
    few. `note` says why an earlier record is missing.
    """

    memory: Memory
    scored: int
    z: float | None = None
    note: str | None = None

    def to_json(self) -> Json:
        return {
            "stood": self.memory.value,
            "scored": self.scored,
            "z": self.z,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Assignment:
    """One claimed run: what to train, under which fence, and what it will be compared with.

    `feature_weights` maps feature names to 0..3. `last_fingerprint` is that of the last finished
    training; `force` trains even when nothing has changed since. `memories` is what the last
    training that made a model has left for the next one. `activation_mode` is that of the claim:
    the gate asks again.
    """

    run_id: UUID
    strategy_id: UUID
    user_id: UUID
    strategy_name: str
    reason: str
    fence: int
    attempt: int
    manual: bool
    force: bool
    min_trades: int
    feature_weights: Mapping[str, float]
    allowed_features: tuple[str, ...] = ()
    champion: Champion | None = None
    last_fingerprint: str | None = None
    memories: StoredFile | None = None
    activation_mode: ActivationMode = ActivationMode.IF_BETTER

    @property
    def asked_for(self) -> bool:
        """Somebody wants this training, whatever the conditions say."""
        return self.manual or self.force


@dataclass(frozen=True, slots=True)
class Artifact:
    """A fitted model as it is stored: LightGBM text and its manifest, never a pickle.

    The manifest vouches for the `report`, where there is one.
    """

    model_text: bytes
    manifest: Json
    report: bytes | None = None

    @property
    def manifest_text(self) -> bytes:
        return json.dumps(self.manifest, sort_keys=True, allow_nan=False).encode()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.model_text).hexdigest()

    @property
    def manifest_sha256(self) -> str:
        return hashlib.sha256(self.manifest_text).hexdigest()


@dataclass(frozen=True, slots=True)
class RowsRead:
    """What one training read: the database time, and the rows by what became of them.

    `dropped` counts bad rows by reason; `purged` are good rows kept out of the judged fit because
    they were still open at the first judged decision; `data_hash` is the sha256 of the rows.
    """

    as_of: datetime
    usable: int
    dropped: Mapping[str, int]
    data_hash: str
    purged: int = 0


@dataclass(frozen=True, slots=True)
class Declined:
    """A training that finished without a model: too little data, or nothing new."""

    outcome: Outcome
    line: str
    rows: RowsRead
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Challenger:
    """A fitted and judged model, ready to be stored.

    `served` is what bots would load; `judged_sha256` is the model that earned the evidence, which
    `served` was refitted from on all rows of its memory unless `refit_disagrees`, or it cannot go
    live: then they are the same. `data_cutoff` is the largest `closed_at` among the `fitted_rows`
    rows that `served` was fitted on. `election` says which memory this is; `memories` is the file
    that the next training goes on from. `reference` maps features to the `edges` of bins and the
    `rows` in each of them, one more than edges, and of those that lack it; see `domain.drift`.
    """

    evidence: Evidence
    served: Artifact
    judged_sha256: str
    refit_disagrees: bool
    data_cutoff: datetime
    win_rate: float
    fitted_rows: int
    rows: RowsRead
    fingerprint: str
    election: Election
    memories: bytes | None = None
    reference: Json = field(default_factory=dict)

    def memories_at(self, artifact_key: str) -> StoredFile | None:
        """Where the memories lie once they are stored below the key."""
        if self.memories is None:
            return None
        digest = hashlib.sha256(self.memories).hexdigest()
        return StoredFile(f"{artifact_key}/{MEMORIES_FILE}", digest)


Lesson = Declined | Challenger
