"""Turns a decision or a wish into a run, under the strategy's lock; at most one run lives."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID

from psycopg2.extras import Json as Jsonb

from autoretrain.domain.work import Claimed, ClaimRequest, NotClaimed
from autoretrain.storage.database import Transaction


def claim(tx: Transaction, request: ClaimRequest, run_id: UUID) -> Claimed | NotClaimed:
    """Three statements, row lock first: one statement would compare with a stale snapshot."""
    held = tx.one("lock_strategy", strategy_id=request.strategy_id)
    if held is None:
        return NotClaimed("strategy_gone", "the strategy is not in the books any more")
    refusal = _refusal(held, request) or live_run(tx, request.strategy_id)
    if refusal is not None:
        return refusal
    if not _insert(tx, request, run_id, held.fence + 1):
        return NotClaimed("slot_done", "this hour's tick has already trained the strategy")
    tx.run("set_fence", strategy_id=request.strategy_id, fence=held.fence + 1)
    return Claimed(run_id)


def _refusal(held: Any, request: ClaimRequest) -> NotClaimed | None:
    if request.asked_for:
        return None
    if held.trades_read_at != request.trades_read_at:
        return NotClaimed("figures_stale", "a training has finished since the figures were read")
    if held.paused_reason is not None:
        return NotClaimed("paused", f"paused: {held.paused_reason}; resume it, or use force")
    if held.resting:
        until = f"{held.next_eligible_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return NotClaimed(
            "backing_off",
            f"resting after a failed training until {until}; resume it, or use force",
        )
    return None


def live_run(tx: Transaction, strategy_id: UUID) -> NotClaimed | None:
    live = tx.one("live_run", strategy_id=strategy_id)
    if live is None:
        return None
    return NotClaimed("live_run", f"a training is already on its way: it is {live.status}", live.id)


def _insert(tx: Transaction, request: ClaimRequest, run_id: UUID, fence: int) -> bool:
    weights = request.feature_weights
    inserted = tx.run(
        "insert_run",
        run_id=run_id,
        strategy_id=request.strategy_id,
        user_id=request.user_id,
        fence=fence,
        slot=request.slot,
        reason=request.reason,
        manual=request.manual,
        force=request.force,
        min_trades=request.min_trades,
        feature_weights=None if weights is None else Jsonb(dict(weights)),
    )
    return inserted > 0
