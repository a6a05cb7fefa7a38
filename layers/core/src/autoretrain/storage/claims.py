"""Turns a decision or a wish into a run, under the strategy's lock; at most one run lives."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID

from psycopg2.extras import Json as Jsonb

from autoretrain.domain.work import Claimed, ClaimRequest, Idempotency, NotClaimed
from autoretrain.errors import Conflict, TooManyRuns
from autoretrain.storage.database import Transaction

NEXT_TRY_SECONDS = 600


def claim(
    tx: Transaction, request: ClaimRequest, run_id: UUID, runs_per_hour: int | None = None
) -> Claimed | NotClaimed:
    """Three statements, row lock first: one statement would compare with a stale snapshot.

    `runs_per_hour` is how many runs the asking user may make. Raises Conflict for an idempotency
    key that was used for something else, TooManyRuns.
    """
    held = tx.one("lock_strategy", strategy_id=request.strategy_id)
    if held is None:
        return NotClaimed("strategy_gone", "the strategy is not in the books any more")
    refusal = _repeated(tx, request) or _refusal(held, request) or _live(tx, request)
    if refusal is not None:
        return refusal
    if runs_per_hour is not None:
        _refuse_too_many(tx, request.user_id, runs_per_hour)
    if _insert(tx, request, run_id, held.fence + 1):
        tx.run("set_fence", strategy_id=request.strategy_id, fence=held.fence + 1)
        return Claimed(run_id)
    return _repeated(tx, request) or NotClaimed(
        "slot_done", "this hour's tick has already trained the strategy"
    )


def repeated(tx: Transaction, user_id: UUID, idempotency: Idempotency) -> Any | None:
    """The run (id, reason) that the very same request has made before. Raises Conflict."""
    made = tx.one("repeated_run", user_id=user_id, idempotency_key=idempotency.key)
    if made is not None and made.request_hash != idempotency.request_hash:
        raise Conflict(
            "idempotency_conflict",
            "this Idempotency-Key was used for another request: give each request its own",
        )
    return made


def _repeated(tx: Transaction, request: ClaimRequest) -> Claimed | None:
    if request.idempotency is None:
        return None
    made = repeated(tx, request.user_id, request.idempotency)
    return Claimed(made.id) if made is not None else None


def _refusal(held: Any, request: ClaimRequest) -> NotClaimed | None:
    if request.manual or request.force:
        return None
    if held.trades_read_at != request.trades_read_at:
        return NotClaimed("figures_stale", "a training has finished since the figures were read")
    if held.paused_reason is not None:
        return NotClaimed("paused", f"paused: {held.paused_reason}")
    if held.resting:
        until = f"{held.next_eligible_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return NotClaimed("backing_off", f"resting after a failed training until {until}")
    return None


def _live(tx: Transaction, request: ClaimRequest) -> NotClaimed | None:
    live = tx.one("live_run", strategy_id=request.strategy_id)
    if live is None:
        return None
    return NotClaimed("live_run", "a training is already on its way", live.id)


def _refuse_too_many(tx: Transaction, user_id: UUID, runs_per_hour: int) -> None:
    asked = tx.one("runs_within_an_hour", user_id=user_id)
    if asked is not None and asked.runs >= runs_per_hour:
        raise TooManyRuns(
            f"{asked.runs} trainings within an hour, {runs_per_hour} are allowed: try again later,"
            " or raise RunsPerHour",
            NEXT_TRY_SECONDS,
        )


def _insert(tx: Transaction, request: ClaimRequest, run_id: UUID, fence: int) -> bool:
    weights, again = request.feature_weights, request.idempotency or Idempotency("", "")
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
        idempotency_key=again.key or None,
        request_hash=again.request_hash or None,
    )
    return inserted > 0
