"""The end of a training: one transaction that stores, judges, activates and moves the clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg2.extras import Json as Jsonb

from autoretrain.domain.degradation import Record, examine
from autoretrain.domain.gate import ActivationMode, Comparison, Verdict, judge
from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment, Challenger, RowsRead, StoredFile
from autoretrain.domain.notifications import Topic
from autoretrain.domain.publishing import Terms, performance_of, published_of, rules_for
from autoretrain.domain.runs import Status
from autoretrain.domain.work import Published
from autoretrain.errors import RunTaken
from autoretrain.ports import ChampionChanged
from autoretrain.storage.activation import Promotion, put_live
from autoretrain.storage.database import Transaction
from autoretrain.storage.endings import notify
from autoretrain.storage.locking import Held, hold_attempt, raise_taken
from autoretrain.storage.records import champion_records


def hold(tx: Transaction, assignment: Assignment) -> Held:
    """Lock the strategy's row and make sure that this attempt still owns the run."""
    held = hold_attempt(tx, assignment.strategy_id, assignment.run_id, assignment.fence)
    if held is None or held.strategy.fence != assignment.fence:
        raise_taken(tx, assignment.run_id)
    if held.run.status != Status.RUNNING:
        raise_taken(tx, assignment.run_id)
    return held


def finish(
    tx: Transaction,
    assignment: Assignment,
    rows: RowsRead,
    fingerprint: str,
    memories: StoredFile | None = None,
) -> None:
    """Move the one clock, and keep what the next training goes on from, whatever the verdict."""
    read = {"strategy_id": assignment.strategy_id, "trades_read_at": rows.as_of}
    if not tx.run("move_clock", **read):
        raise RunTaken
    tx.run(
        "finish_training",
        **read,
        fingerprint=fingerprint,
        memories_key=memories.key if memories else None,
        memories_sha256=memories.sha256 if memories else None,
    )


def succeed(tx: Transaction, assignment: Assignment, rows: RowsRead, published: Published) -> None:
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


@dataclass(frozen=True, slots=True)
class Publication:
    """A challenger on its way into the books, inside one transaction."""

    tx: Transaction
    assignment: Assignment
    challenger: Challenger
    key: str
    now: datetime

    def publish(self) -> Published:
        """Raises RunTaken, or ChampionChanged when the verdict was reached against another."""
        strategy = hold(self.tx, self.assignment).strategy
        champion = self.assignment.champion
        if strategy.champion != (champion.version if champion else None):
            raise ChampionChanged
        rules = rules_for(self.assignment, self._terms(strategy), self.now)
        verdict = judge(self.challenger.evidence, rules)
        named = self.tx.one("versions", strategy_id=self.assignment.strategy_id)
        # Files lie under the user they were trained for: for another, the run is trained again.
        if named is None or named.user_id != self.assignment.user_id:
            raise RunTaken
        if champion is None and named.shown is not None:
            verdict = replace(verdict, line=f"{verdict.line}; not compared with {named.shown}")
        previous_version = strategy.champion or named.shown
        told = published_of(self.challenger, verdict, named.next, previous_version)
        performance = performance_of(self.challenger, verdict)
        self._store(told, verdict, performance)
        if verdict.activate:
            put_live(
                self.tx,
                self.assignment.strategy_id,
                Promotion(
                    version=named.next,
                    previous_version=previous_version,
                    performance=performance,
                    why=f"{told.outcome}: {told.line}",
                    run_id=self.assignment.run_id,
                    activated_by=self.assignment.user_id if self.assignment.manual else None,
                ),
                self.now,
            )
        rows, memories = self.challenger.rows, self.challenger.memories_at(self.key)
        finish(self.tx, self.assignment, rows, self.challenger.fingerprint, memories)
        succeed(self.tx, self.assignment, rows, told)
        self._tell(told, verdict)
        return told

    def _terms(self, strategy: Any) -> Terms:
        mode = ActivationMode(strategy.activation_mode)
        return Terms(
            mode=mode,
            max_age_days=strategy.max_age_days,
            pinned_version=strategy.pinned_version,
            pinned_since=strategy.pinned_at,
            # Nobody else asks, and it costs a reading of trades.
            degraded=mode is ActivationMode.IF_NOT_WORSE and self._degraded(strategy),
        )

    def _degraded(self, strategy: Any) -> bool:
        records = champion_records(self.tx, [strategy.strategy_id], self.now)
        found = examine(records.get(strategy.strategy_id, Record()))
        return found.degraded_over(strategy.degradation_min_trades)

    def _store(self, published: Published, verdict: Verdict, performance: Json) -> None:
        self.tx.run(
            "insert_model",
            strategy_id=self.assignment.strategy_id,
            version=published.version,
            accuracy=performance["accuracy"],
            roc_auc=performance["roc_auc"],
            training_samples=performance["training_samples"],
            improvement=performance["improvement"],
            now=self.now,
        )
        # Whoever waits was compared with the champion of then.
        if verdict.awaiting_approval or verdict.activate:
            self.tx.run("replace_waiting_challenger", strategy_id=self.assignment.strategy_id)
        self._store_artifact(published, verdict, performance)

    def _store_artifact(self, published: Published, verdict: Verdict, performance: Json) -> None:
        served, evidence = self.challenger.served, self.challenger.evidence
        judged = evidence if isinstance(evidence, Comparison) else None
        self.tx.run(
            "insert_artifact",
            strategy_id=self.assignment.strategy_id,
            version=published.version,
            run_id=self.assignment.run_id,
            artifact_key=self.key,
            sha256=served.sha256,
            manifest_sha256=served.manifest_sha256,
            judged_sha256=self.challenger.judged_sha256,
            refit_disagrees=self.challenger.refit_disagrees,
            data_cutoff=self.challenger.data_cutoff,
            rival=evidence.rival,
            judged_from=judged.judged_from if judged else None,
            judged_until=judged.judged_until if judged else None,
            verdict=Jsonb(self._told(verdict)),
            awaiting_approval=verdict.awaiting_approval,
            below_base_rate=verdict.below_base_rate,
            log_loss=judged.challenger.log_loss if judged else None,
            performance=Jsonb(performance),
            feature_reference=Jsonb(self.challenger.reference),
            now=self.now,
        )

    def _told(self, verdict: Verdict) -> Json:
        return verdict.to_json() | {"memory": self.challenger.election.to_json()}

    def _tell(self, published: Published, verdict: Verdict) -> None:
        topic = Topic.MODEL_ACTIVATED if published.activated else Topic.MODEL_KEPT
        if verdict.awaiting_approval:
            topic = Topic.APPROVAL_PENDING
        told: Json = {
            "version": published.version,
            "previous_version": published.previous_version,
            "run_id": str(self.assignment.run_id),
            "reason": self.assignment.reason,
            "why": f"{published.outcome}: {published.line}",
            "verdict": self._told(verdict),
            "by": str(self.assignment.user_id) if self.assignment.manual else None,
        }
        notify(self.tx, topic, self.assignment.strategy_id, told)
