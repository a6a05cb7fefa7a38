"""Challengers as a learner would hand them over, without any learning."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from autoretrain.domain.gate import BASE_RATE, Comparison, Evidence, Outcome, Score, TooFewRows
from autoretrain.domain.models import (
    Artifact,
    Challenger,
    Declined,
    Election,
    Memory,
    RowsRead,
)
from tests.world import NOW


def score(log_loss: float, accuracy: float = 0.6) -> Score:
    return Score(log_loss, accuracy, 0.65, 0.2, 0.1, 12)


def comparison(
    challenger: float, rival: float, against: str = BASE_RATE, z: float | None = None
) -> Comparison:
    return Comparison(
        rival=against,
        rows=55,
        challenger=score(challenger, 0.68),
        champion=score(rival, 0.65),
        base_rate=score(0.69),
        z=z if z is not None else (rival - challenger) * 20,
        judged_from=NOW - timedelta(days=5),
        judged_until=NOW - timedelta(hours=1),
    )


def too_few(against: str = "v1") -> TooFewRows:
    return TooFewRows(against, 12)


def rows(as_of: Any = NOW, usable: int = 120) -> RowsRead:
    return RowsRead(as_of, usable, {"no outcome": 1}, "0" * 64)


def challenger(evidence: Evidence | None = None, **changes: Any) -> Challenger:
    given: dict[str, Any] = {
        "evidence": evidence or comparison(0.60, 0.69),
        "served": Artifact(b"tree", {"inputs": []}),
        "judged_sha256": "1" * 64,
        "refit_disagrees": False,
        "data_cutoff": NOW - timedelta(hours=2),
        "win_rate": 0.55,
        "fitted_rows": 120,
        "rows": rows(),
        "fingerprint": "f" * 64,
        "election": Election(Memory.LONG, scored=12),
        "memories": b"{}",
    }
    return Challenger(**given | changes)


def declined(outcome: Outcome = Outcome.INSUFFICIENT_DATA) -> Declined:
    return Declined(outcome, "8 wins of at least 10", rows(), "e" * 64)
