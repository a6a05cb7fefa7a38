"""What a condition check reads of the strategies, and what it leaves: decisions, and runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from autoretrain.domain.conditions import DEGRADATION, Condition, Decision
from autoretrain.domain.drift import Spread
from autoretrain.domain.models import Policy, RecentTrades, Snapshot
from autoretrain.domain.notifications import Topic
from autoretrain.domain.work import Claimed, ClaimRequest, NotClaimed
from autoretrain.storage.claims import claim
from autoretrain.storage.database import Database, Transaction
from autoretrain.storage.records import asked_records, record_of
from autoretrain.storage.spreads import feature_spreads


class CheckBooks:
    """What the condition check reads and writes; see `ports.Checking`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def snapshots(self, strategy_ids: Sequence[UUID]) -> list[Snapshot]:
        rows = self._database.read("snapshots", **asked_records(strategy_ids, None))
        if not _watched(rows):
            return _snapshots(rows, {})
        return self._database.transaction(lambda tx: _with_spreads(tx, rows))

    def store_decisions(self, decisions: Sequence[Decision], slot: datetime | None) -> None:
        given = {"decisions": json.dumps([decision_row(one) for one in decisions]), "slot": slot}
        degraded = [degradation_row(decision) for decision in decisions if decision.degraded]
        if not degraded:
            # Stored twice, a decision is what it was: its outcome has not changed.
            self._database.once("store_decisions", **given)
            return

        def work(tx: Transaction) -> None:
            tx.run("store_decisions", **given)
            tx.run("tell_degraded", topic=Topic.MODEL_DEGRADED, degraded=json.dumps(degraded))

        self._database.transaction(work)

    def claim(self, request: ClaimRequest) -> Claimed | NotClaimed:
        run_id = uuid4()
        return self._database.transaction(lambda tx: claim(tx, request, run_id))


def read_snapshots(
    tx: Transaction, strategy_ids: Sequence[UUID], as_of: datetime | None
) -> list[Snapshot]:
    return _with_spreads(tx, tx.all("snapshots", **asked_records(strategy_ids, as_of)))


def _with_spreads(tx: Transaction, rows: Sequence[Any]) -> list[Snapshot]:
    watched = _watched(rows)
    spreads = feature_spreads(tx, watched, rows[0].seen_at) if watched else {}
    return _snapshots(rows, spreads)


def _watched(rows: Sequence[Any]) -> list[UUID]:
    """The strategies whose features are watched for drift."""
    return [row.strategy_id for row in rows if row.feature_drift_psi is not None]


def _snapshots(rows: Sequence[Any], spreads: Mapping[UUID, Sequence[Spread]]) -> list[Snapshot]:
    return [_snapshot(row, spreads.get(row.strategy_id, ())) for row in rows]


def _snapshot(row: Any, spreads: Sequence[Spread]) -> Snapshot:
    return Snapshot(
        strategy_id=row.strategy_id,
        user_id=row.user_id,
        name=row.name,
        as_of=row.seen_at,
        checkable=row.checkable,
        policy=Policy(
            min_trades=row.min_trades,
            new_trades=row.new_trades_threshold,
            degradation_ratio=row.degradation_ratio,
            degradation_window=row.degradation_window,
            degradation_min_trades=row.degradation_min_trades,
            degradation_rule=row.degradation_rule,
            max_age_days=row.max_age_days,
            feature_drift_psi=row.feature_drift_psi,
        ),
        total_trades=row.total_trades,
        new_trades=row.new_trades,
        recent=RecentTrades(row.recent, row.wins, row.predicted, row.correct, row.mean_confidence),
        record=record_of(row),
        spreads=spreads,
        model_version=row.model_version,
        trained_at=row.trained_at,
        expected_accuracy=row.expected_accuracy,
        expected_win_rate=row.expected_win_rate,
        trades_read_at=row.trades_read_at,
        queued_run=row.queued_run,
    )


def decision_row(decision: Decision) -> dict[str, Any]:
    return {
        "strategy_id": str(decision.strategy_id),
        "decided_at": decision.as_of.isoformat(),
        "should_retrain": decision.should_retrain,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "conditions": [_condition_row(condition) for condition in decision.conditions],
    }


def _condition_row(condition: Condition) -> dict[str, Any]:
    return {
        "name": condition.name,
        "fired": condition.fired,
        "line": condition.line,
        "figures": condition.figures,
    }


def degradation_row(decision: Decision) -> dict[str, Any]:
    figures = decision.condition(DEGRADATION).figures
    told = figures[str(figures["rule"])]
    return {
        "strategy_id": str(decision.strategy_id),
        "version": decision.model_version,
        "payload": {
            "version": decision.model_version,
            "rule": figures["rule"],
            "why": told["line"] if isinstance(told, dict) else None,
            "figures": told,
        },
    }
