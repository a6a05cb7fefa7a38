"""Puts a model live: pointer, mirrors and log together, nobody sees one without the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg2.extras import Json as Jsonb

from autoretrain.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Promotion:
    """A version that goes live, and why: by the gate at the end of a run, or by a person."""

    version: str
    previous_version: str | None
    performance: dict[str, Any]
    why: str
    run_id: UUID | None = None
    activated_by: UUID | None = None


def put_live(tx: Transaction, strategy_id: UUID, promotion: Promotion, now: datetime) -> None:
    """The caller holds the strategy's row."""
    model = {"strategy_id": strategy_id, "version": promotion.version}
    tx.run("deactivate_models", strategy_id=strategy_id)
    tx.run("activate_model", **model)
    tx.run("set_champion", **model)
    tx.run("describe_active_model", **model, performance=Jsonb(promotion.performance))
    tx.run(
        "log_activation",
        **model,
        previous_version=promotion.previous_version,
        run_id=promotion.run_id,
        activated_by=promotion.activated_by,
        why=promotion.why,
        now=now,
    )
