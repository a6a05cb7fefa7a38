"""The trainer's books: claim, heartbeat, publish. Every write is refused behind the fence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg2.extras import Json as Jsonb

from autoretrain.domain.gate import ActivationMode, Comparison, Rules, Verdict, judge
from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment, Challenger, Champion, Declined, RowsRead
from autoretrain.domain.runs import MAX_RUNTIME, RUNNING_LEASE, Loss, Status
from autoretrain.errors import RunTaken
from autoretrain.ports import ChampionChanged, Progress, Published, TradeReader
from autoretrain.storage.database import Database, Transaction
from autoretrain.storage.endings import fail_run, notify, requeue_run
from autoretrain.storage.trades import CopyReader


class TrainBooks:
    """What the trainer reads and writes; see `ports.Training`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, run_id: UUID, task_arn: str | None) -> Assignment | None:
        return self._database.transaction(lambda tx: _begin(tx, run_id, task_arn))

    def begin_next(self, task_arn: str | None) -> Assignment | None:
        def work(tx: Transaction) -> Assignment | None:
            # With the launcher's count under the same lock, a run is never left waiting for a
            # trainer that has just looked and gone.
            tx.run("lock_launches")
            waiting = tx.one("next_queued_run")
            return None if waiting is None else _begin(tx, waiting.id, task_arn)

        return self._database.transaction(work)

    def refresh(self, assignment: Assignment) -> Assignment:
        row = self._database.transaction(lambda tx: tx.one("assignment", run_id=assignment.run_id))
        if row is None:
            raise RunTaken
        return _assignment(row)

    def heartbeat(self, assignment: Assignment, progress: Progress, seconds: float) -> None:
        touched = self._database.transaction(
            lambda tx: tx.run(
                "heartbeat",
                run_id=assignment.run_id,
                fence=assignment.fence,
                lease=RUNNING_LEASE,
                max_runtime=MAX_RUNTIME,
                phase=progress.phase,
                round=progress.round,
                rounds=progress.rounds,
                seconds=seconds,
            )
        )
        if not touched:
            raise RunTaken

    @contextmanager
    def read_trades(self, strategy_id: UUID, as_of: datetime, newest: int) -> Iterator[TradeReader]:
        with self._database.snapshot() as tx:
            yield CopyReader(tx, strategy_id, as_of, newest)

    def reused_rows(self, strategy_id: UUID, rival: str, since: datetime, until: datetime) -> int:
        values = {"strategy_id": strategy_id, "rival": rival, "since": since, "until": until}
        row = self._database.transaction(lambda tx: tx.one("reused_rows", **values))
        return int(row.rows) if row else 0

    def publish(
        self, assignment: Assignment, challenger: Challenger, key: str, now: datetime
    ) -> Published:
        return self._database.transaction(lambda tx: _publish(tx, assignment, challenger, key, now))

    def decline(self, assignment: Assignment, declined: Declined) -> Published:
        def work(tx: Transaction) -> Published:
            strategy = _hold(tx, assignment)
            _finish(tx, assignment, declined.rows, declined.fingerprint)
            published = Published(declined.outcome, declined.line, champion=strategy.champion)
            _succeed(tx, assignment, declined.rows, published)
            return published

        return self._database.transaction(work)

    def fail(self, assignment: Assignment, code: str, message: str) -> None:
        def work(tx: Transaction) -> None:
            strategy = _hold(tx, assignment)
            fail_run(tx, assignment.run_id, strategy, code, message)

        self._database.transaction(work)

    def interrupt(self, assignment: Assignment) -> None:
        def work(tx: Transaction) -> None:
            strategy = _hold(tx, assignment)
            message = "the platform asked the trainer to stop"
            requeue_run(tx, assignment.run_id, strategy, Loss.INTERRUPTED, message, losses=1)

        self._database.transaction(work)


def _begin(tx: Transaction, run_id: UUID, task_arn: str | None) -> Assignment | None:
    begun = tx.one("begin_run", run_id=run_id, task_arn=task_arn, lease=RUNNING_LEASE)
    if begun is None:
        return None
    row = tx.one("assignment", run_id=run_id)
    if row is None:
        message = "the strategy was deleted while its training waited"
        tx.run("fail_run", run_id=run_id, error_code="strategy_gone", error_message=message)
        return None
    return _assignment(row)


def _assignment(row: Any) -> Assignment:
    champion = None
    if row.champion_version is not None:
        champion = Champion(
            row.champion_version,
            row.artifact_key,
            row.sha256,
            row.manifest_sha256,
            row.data_cutoff,
            row.champion_created_at,
        )
    return Assignment(
        run_id=row.run_id,
        strategy_id=row.strategy_id,
        user_id=row.user_id,
        strategy_name=row.strategy_name,
        reason=row.reason,
        fence=row.fence,
        attempt=row.attempt,
        manual=row.manual,
        force=row.force,
        min_trades=row.min_trades,
        feature_weights=row.feature_weights,
        allowed_features=tuple(row.allowed_features),
        champion=champion,
        last_fingerprint=row.last_fingerprint,
    )


def _hold(tx: Transaction, assignment: Assignment) -> Any:
    """Lock the strategy's row and make sure that this attempt still owns the run."""
    strategy = tx.one("lock_strategy", strategy_id=assignment.strategy_id)
    held = tx.one("run_under_lock", run_id=assignment.run_id)
    if strategy is None or held is None:
        raise RunTaken
    if not strategy.fence == held.fence == assignment.fence or held.status != Status.RUNNING:
        raise RunTaken
    return strategy


def _publish(
    tx: Transaction, assignment: Assignment, challenger: Challenger, key: str, now: datetime
) -> Published:
    strategy = _hold(tx, assignment)
    judged_against = assignment.champion.version if assignment.champion else None
    if strategy.champion != judged_against:
        raise ChampionChanged
    verdict = judge(challenger.evidence, _rules(strategy, assignment, now))
    row = tx.one("next_version", strategy_id=assignment.strategy_id)
    version: str = row.version if row else "v1"
    performance = _performance(challenger, verdict)
    _store_model(tx, assignment, challenger, verdict, performance, version, key, now)
    published = Published(
        outcome=verdict.outcome,
        line=verdict.line,
        version=version,
        activated=verdict.activate,
        champion=strategy.champion,
        accuracy=_number(performance, "accuracy"),
        improvement=_number(performance, "improvement"),
        below_base_rate=verdict.below_base_rate,
    )
    if verdict.activate:
        _activate(tx, assignment, strategy.champion, version, verdict, performance, now)
    _finish(tx, assignment, challenger.rows, challenger.fingerprint)
    _succeed(tx, assignment, challenger.rows, published)
    _tell(tx, assignment, published, verdict)
    return published


def _rules(strategy: Any, assignment: Assignment, now: datetime) -> Rules:
    """The gate's rules as they stand now: a person may have changed them during the training."""
    champion = assignment.champion
    limit = timedelta(days=strategy.max_age_days)
    return Rules(
        mode=ActivationMode(strategy.activation_mode),
        manual=assignment.manual,
        champion_is_stale=champion is not None and now - champion.created_at > limit,
        pinned_version=strategy.pinned_version,
        pinned_since=strategy.pinned_at,
    )


def _performance(challenger: Challenger, verdict: Verdict) -> Json:
    """What `ml_model_performance` says of a model; accuracies are those of the judged rows."""
    evidence = challenger.evidence
    performance: Json = {
        "training_samples": challenger.rows.usable,
        "win_rate": challenger.win_rate,
        "judged_rows": evidence.rows,
        "decided_by": verdict.line,
        "below_base_rate": verdict.below_base_rate,
        "accuracy": None,
        "roc_auc": None,
        "improvement": None,
    }
    if isinstance(evidence, Comparison):
        performance |= {
            "accuracy": evidence.challenger.accuracy,
            "roc_auc": evidence.challenger.roc_auc,
            "improvement": evidence.challenger.accuracy - evidence.champion.accuracy,
            "log_loss": evidence.challenger.log_loss,
            "log_loss_improvement": evidence.log_loss_improvement,
            "brier": evidence.challenger.brier,
        }
    return performance


def _number(performance: Json, name: str) -> float | None:
    value = performance[name]
    return value if isinstance(value, float) else None


def _store_model(
    tx: Transaction,
    assignment: Assignment,
    challenger: Challenger,
    verdict: Verdict,
    performance: Json,
    version: str,
    key: str,
    now: datetime,
) -> None:
    evidence = challenger.evidence
    judged = evidence if isinstance(evidence, Comparison) else None
    tx.run(
        "insert_model",
        strategy_id=assignment.strategy_id,
        version=version,
        accuracy=performance["accuracy"],
        roc_auc=performance["roc_auc"],
        training_samples=performance["training_samples"],
        improvement=performance["improvement"],
        now=now,
    )
    if verdict.awaiting_approval:
        tx.run("replace_waiting_challenger", strategy_id=assignment.strategy_id)
    tx.run(
        "insert_artifact",
        strategy_id=assignment.strategy_id,
        version=version,
        run_id=assignment.run_id,
        artifact_key=key,
        sha256=challenger.served.sha256,
        manifest_sha256=challenger.served.manifest_sha256,
        judged_sha256=challenger.judged_sha256,
        refit_disagrees=challenger.refit_disagrees,
        data_cutoff=challenger.data_cutoff,
        rival=evidence.rival,
        judged_from=judged.judged_from if judged else None,
        judged_until=judged.judged_until if judged else None,
        verdict=Jsonb(verdict.to_json()),
        awaiting_approval=verdict.awaiting_approval,
        below_base_rate=verdict.below_base_rate,
        log_loss=judged.challenger.log_loss if judged else None,
        now=now,
    )


def _activate(
    tx: Transaction,
    assignment: Assignment,
    previous: str | None,
    version: str,
    verdict: Verdict,
    performance: Json,
    now: datetime,
) -> None:
    strategy_id = assignment.strategy_id
    tx.run("deactivate_models", strategy_id=strategy_id)
    tx.run("activate_model", strategy_id=strategy_id, version=version)
    tx.run("set_champion", strategy_id=strategy_id, version=version)
    tx.run(
        "log_activation",
        strategy_id=strategy_id,
        version=version,
        previous_version=previous,
        run_id=assignment.run_id,
        why=f"{verdict.outcome}: {verdict.line}",
        now=now,
    )
    tx.run(
        "describe_active_model",
        strategy_id=strategy_id,
        version=version,
        performance=Jsonb(performance),
    )


def _finish(tx: Transaction, assignment: Assignment, rows: RowsRead, fingerprint: str) -> None:
    """Move the one clock, whatever the verdict."""
    strategy_id = assignment.strategy_id
    if not tx.run("move_clock", strategy_id=strategy_id, trades_read_at=rows.as_of):
        raise RunTaken
    tx.run(
        "finish_training",
        strategy_id=strategy_id,
        trades_read_at=rows.as_of,
        fingerprint=fingerprint,
    )


def _succeed(tx: Transaction, assignment: Assignment, rows: RowsRead, published: Published) -> None:
    tx.run(
        "succeed_run",
        run_id=assignment.run_id,
        trades_read_at=rows.as_of,
        rows_used=rows.usable,
        rows_dropped=Jsonb(dict(rows.dropped)),
        data_hash=rows.data_hash,
        outcome=str(published.outcome),
        line=published.line,
        version=published.version,
        activated=published.activated,
    )


def _tell(tx: Transaction, assignment: Assignment, published: Published, verdict: Verdict) -> None:
    topic = "ModelActivated" if published.activated else "ModelKept"
    if verdict.awaiting_approval:
        topic = "ApprovalPending"
    payload = {"run_id": str(assignment.run_id), "version": published.version}
    notify(tx, topic, assignment.strategy_id, payload | {"verdict": verdict.to_json()})
