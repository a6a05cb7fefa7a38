"""The product with one of its safeguards taken out, in the running test alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg2
import pytest

from autoretrain.domain.models import Assignment
from autoretrain.domain.runs import Status
from autoretrain.domain.work import Claimed, ClaimRequest, NotClaimed
from autoretrain.storage import asking, checking, named, publishing, training
from autoretrain.storage.database import Transaction
from autoretrain.storage.locking import Held, raise_taken

_DROP_INDEXES = "DROP INDEX autoretrain.one_live_run, autoretrain.one_run_per_slot"
_LEASES = ("begin_run", "heartbeat", "start_run", "expired_runs", "run_under_lock")
_CLAIM_AS_ONE = """
WITH held AS (
    UPDATE autoretrain.strategy_training SET fence = fence + 1
    WHERE strategy_id = %(strategy_id)s AND NOT EXISTS (
        SELECT FROM autoretrain.training_runs
        WHERE strategy_id = %(strategy_id)s AND status IN ('queued', 'starting', 'running')
    )
    RETURNING fence
)
INSERT INTO autoretrain.training_runs (id, strategy_id, user_id, fence, slot, reason)
SELECT %(run_id)s, %(strategy_id)s, %(user_id)s, fence, %(slot)s, %(reason)s FROM held
ON CONFLICT DO NOTHING
"""


@contextmanager
def _statements(**texts: str) -> Iterator[None]:
    """Other SQL under the same names."""
    known = named._statements()
    with pytest.MonkeyPatch.context() as patch:
        for name, text in texts.items():
            patch.setitem(known, name, text)
        named.statement.cache_clear()
        yield
    named.statement.cache_clear()


def _rewritten(names: tuple[str, ...], change: Callable[[str], str]) -> dict[str, str]:
    texts = {name: change(named.statement(name)) for name in names}
    assert all(texts[name] != named.statement(name) for name in names), "nothing was taken out"
    return texts


@contextmanager
def without_fence_check() -> Iterator[None]:
    """Whoever still believes to hold a running run may write."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (publishing, training):
            patch.setattr(module, "hold", _hold_whatever_the_fence)
        yield


def _hold_whatever_the_fence(tx: Transaction, assignment: Assignment) -> Held:
    strategy: Any = tx.one("lock_strategy", strategy_id=assignment.strategy_id)
    run: Any = tx.one("run_under_lock", run_id=assignment.run_id)
    if run.status != Status.RUNNING:
        raise_taken(tx, assignment.run_id)
    return Held(strategy, run)


@contextmanager
def claim_as_one_statement() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, _statements(claim_as_one=_CLAIM_AS_ONE):
        for module in (asking, checking):
            patch.setattr(module, "claim", _claim_as_one)
        yield


def _claim_as_one(tx: Transaction, request: ClaimRequest, run_id: UUID) -> Claimed | NotClaimed:
    inserted = tx.run(
        "claim_as_one",
        run_id=run_id,
        strategy_id=request.strategy_id,
        user_id=request.user_id,
        slot=request.slot,
        reason=request.reason,
    )
    return Claimed(run_id) if inserted else NotClaimed("live_run", "somebody was faster")


@contextmanager
def without_row_lock() -> Iterator[None]:
    """The strategy's row is read, but not held."""
    unlocked = _rewritten(("lock_strategy",), lambda text: text.replace("FOR UPDATE", ""))
    with _statements(**unlocked):
        yield


@contextmanager
def lease_by_the_clock_of_whoever_asks() -> Iterator[None]:
    by_client = _rewritten(_LEASES, lambda text: text.replace("now()", "%(client_now)s"))
    with _statements(**by_client):
        yield


def drop_partial_indexes(url: str) -> None:
    """Of the test's own database."""
    opened = psycopg2.connect(url)
    with opened, opened.cursor() as cursor:
        cursor.execute(_DROP_INDEXES)
    opened.close()
