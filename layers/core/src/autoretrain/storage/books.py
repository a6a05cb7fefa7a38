"""The books as each service needs them: who is due, what was decided, what runs."""

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
from autoretrain.domain.runs import STARTING_LEASE, Ending, Status
from autoretrain.domain.work import (
    Attempt,
    Claimed,
    ClaimRequest,
    DueStrategy,
    Launch,
    LiveRun,
    NotClaimed,
    NotLaunched,
    PausedStrategy,
    TickSummary,
)
from autoretrain.storage.claims import claim
from autoretrain.storage.database import Database, Transaction
from autoretrain.storage.endings import end_attempt, refuse_launch, requeue_run
from autoretrain.storage.locking import hold_attempt
from autoretrain.storage.records import asked_records, record_of
from autoretrain.storage.spreads import feature_spreads

UNAVAILABLE = "launch_unavailable"


class _EndingBooks:
    """What dispatcher and task_stopped have in common: both end attempts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def end_attempt(self, run: LiveRun, ending: Ending, *, expired_only: bool) -> Status | None:
        return self._database.transaction(
            lambda tx: end_attempt(tx, run, ending, expired_only=expired_only)
        )


class DispatchBooks(_EndingBooks):
    """What the dispatcher reads and writes; see `ports.Dispatching`."""

    def enrol_strategies(self) -> None:
        self._database.transaction(lambda tx: tx.run("enrol_strategies"))

    def strategies_to_check(self) -> list[DueStrategy]:
        rows = self._database.transaction(lambda tx: tx.all("strategies_to_check"))
        return [DueStrategy(*row) for row in rows]

    def expired_runs(self) -> list[LiveRun]:
        return live_runs(self._database.transaction(lambda tx: tx.all("expired_runs")))

    def adopt_task(self, run: LiveRun, task_arn: str) -> None:
        values = {"run_id": run.run_id, "fence": run.fence, "task_arn": task_arn}
        self._database.transaction(lambda tx: tx.run("adopt_task", lease=STARTING_LEASE, **values))

    def paused_strategies(self) -> list[PausedStrategy]:
        rows = self._database.transaction(lambda tx: tx.all("paused_strategies"))
        return [PausedStrategy(*row) for row in rows]

    def forget_old_decisions(self) -> None:
        self._database.transaction(lambda tx: tx.run("forget_old_decisions"))

    def tick_summary(self, slot: datetime) -> TickSummary:
        row = self._database.transaction(lambda tx: tx.one("tick_summary", slot=slot))
        return TickSummary(slot, *row) if row else TickSummary(slot, 0, 0, 0, 0, 0, 0)


class StopBooks(_EndingBooks):
    """What task_stopped reads and writes; see `ports.Stopping`."""

    def runs_of_task(self, task_arn: str, started_for: Attempt | None) -> list[LiveRun]:
        values = {
            "task_arn": task_arn,
            "run_id": started_for.run_id if started_for else None,
            "attempt": started_for.number if started_for else None,
        }
        rows = self._database.transaction(lambda tx: tx.all("runs_of_task", **values))
        return live_runs(rows)


class CheckBooks:
    """What the condition check reads and writes; see `ports.Checking`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def snapshots(self, strategy_ids: Sequence[UUID], as_of: datetime) -> list[Snapshot]:
        rows = self._database.read("snapshots", **asked_records(strategy_ids, as_of))
        watched = _watched(rows)
        if not watched:
            return _snapshots(rows, {}, as_of)
        spreads = self._database.transaction(lambda tx: feature_spreads(tx, watched, as_of))
        return _snapshots(rows, spreads, as_of)

    def store_decisions(self, decisions: Sequence[Decision], slot: datetime | None) -> None:
        given = json.dumps([decision_row(decision) for decision in decisions])
        degraded = [degradation_row(decision) for decision in decisions if decision.degraded]

        def work(tx: Transaction) -> None:
            tx.run("store_decisions", decisions=given, slot=slot)
            if degraded:
                tx.run("tell_degraded", topic=Topic.MODEL_DEGRADED, degraded=json.dumps(degraded))

        self._database.transaction(work)

    def claim(self, request: ClaimRequest) -> Claimed | NotClaimed:
        run_id = uuid4()
        return self._database.transaction(lambda tx: claim(tx, request, run_id))


class LaunchBooks:
    """What the launcher reads and writes; see `ports.Launching`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve_launch(self, run_id: UUID, max_concurrent_tasks: int) -> Launch | NotLaunched:
        return self._database.transaction(lambda tx: _reserve(tx, run_id, max_concurrent_tasks))

    def record_task(self, launch: Launch, task_arn: str) -> None:
        def work(tx: Transaction) -> None:
            tx.run("record_task", run_id=launch.run_id, fence=launch.fence, task_arn=task_arn)
            tx.run("launch_was_taken")

        self._database.transaction(work)

    def launch_unavailable(self, launch: Launch, message: str) -> None:
        def work(tx: Transaction) -> None:
            strategy = _still_starting(tx, launch)
            if strategy is not None:
                requeue_run(tx, launch.run_id, strategy, UNAVAILABLE, message, losses=0)
            tx.run("launch_was_refused", at_once=False, reason=message)

        self._database.transaction(work)

    def launch_refused(self, launch: Launch, message: str) -> None:
        def work(tx: Transaction) -> None:
            if _still_starting(tx, launch) is not None:
                refuse_launch(tx, launch.run_id, launch.strategy_id, message)
            else:
                tx.run("launch_was_refused", at_once=True, reason=message)

        self._database.transaction(work)


def _still_starting(tx: Transaction, launch: Launch) -> Any | None:
    """The strategy's locked row, None when the run has moved on: an answer that says no may come
    after an earlier, lost one that said yes, and that trainer may be done by now."""
    held = hold_attempt(tx, launch.strategy_id, launch.run_id, launch.fence)
    if held is None or held.run.status != Status.STARTING:
        return None
    return held.strategy


def live_runs(rows: Sequence[Any]) -> list[LiveRun]:
    return [
        LiveRun(
            row.run_id,
            row.strategy_id,
            row.attempt,
            row.fence,
            Status(row.status),
            row.task_arn,
            overdue=getattr(row, "overdue", False),
        )
        for row in rows
    ]


def read_snapshots(
    tx: Transaction, strategy_ids: Sequence[UUID], as_of: datetime
) -> list[Snapshot]:
    rows = tx.all("snapshots", **asked_records(strategy_ids, as_of))
    return _snapshots(rows, feature_spreads(tx, _watched(rows), as_of), as_of)


def _watched(rows: Sequence[Any]) -> list[UUID]:
    """The strategies whose features are watched for drift."""
    return [row.strategy_id for row in rows if row.feature_drift_psi is not None]


def _snapshots(
    rows: Sequence[Any], spreads: Mapping[UUID, Sequence[Spread]], as_of: datetime
) -> list[Snapshot]:
    return [_snapshot(row, spreads.get(row.strategy_id, ()), as_of) for row in rows]


def _snapshot(row: Any, spreads: Sequence[Spread], as_of: datetime) -> Snapshot:
    return Snapshot(
        strategy_id=row.strategy_id,
        user_id=row.user_id,
        name=row.name,
        as_of=as_of,
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


def _reserve(tx: Transaction, run_id: UUID, max_concurrent_tasks: int) -> Launch | NotLaunched:
    tx.run("lock_launches")
    tx.run("note_limit", max_tasks=max_concurrent_tasks)
    tasks, control = tx.one("busy_tasks", run_id=run_id), tx.one("launch_control")
    if tasks is None or not tasks.queued:
        return NotLaunched("the run is not queued any more", moved_on=True)
    if tasks.busy >= max_concurrent_tasks:
        return NotLaunched("no task is free now")
    reason = control.stopped_reason if control is not None else None
    if control is not None and reason is not None and not control.probe_due:
        return NotLaunched(f"launches are stopped: {reason}", stopped=True)
    row = tx.one("start_run", run_id=run_id, lease=STARTING_LEASE)
    if row is None:
        return NotLaunched("the run is not queued any more", moved_on=True)
    if reason is not None:
        tx.run("note_probe")
    return Launch(*row)
