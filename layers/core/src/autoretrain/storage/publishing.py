"""The end of a training: one transaction that stores, judges, activates and moves the clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg2.extras import Json as Jsonb

from autoretrain.domain.gate import ActivationMode, Comparison, Rules, Verdict, judge
from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment, Challenger, RowsRead
from autoretrain.domain.runs import Status
from autoretrain.domain.work import Published
from autoretrain.errors import RunTaken
from autoretrain.ports import ChampionChanged
from autoretrain.storage.activation import Promotion, put_live
from autoretrain.storage.database import Transaction
from autoretrain.storage.endings import notify
from autoretrain.storage.locking import Held, hold_attempt, raise_taken


def hold(tx: Transaction, assignment: Assignment) -> Held:
    """Lock the strategy's row and make sure that this attempt still owns the run."""
    held = hold_attempt(tx, assignment.strategy_id, assignment.run_id, assignment.fence)
    if held is None or held.strategy.fence != assignment.fence:
        raise_taken(tx, assignment.run_id)
    if held.run.status != Status.RUNNING:
        raise_taken(tx, assignment.run_id)
    return held


def finish(tx: Transaction, assignment: Assignment, rows: RowsRead, fingerprint: str) -> None:
    """Move the one clock, whatever the verdict."""
    read = {"strategy_id": assignment.strategy_id, "trades_read_at": rows.as_of}
    if not tx.run("move_clock", **read):
        raise RunTaken
    tx.run("finish_training", **read, fingerprint=fingerprint)


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
        verdict = judge(self.challenger.evidence, self._rules(strategy))
        named = self.tx.one("versions", strategy_id=self.assignment.strategy_id)
        if named is None:
            raise RunTaken
        if champion is None and named.shown is not None:
            verdict = replace(verdict, line=f"{verdict.line}; not compared with {named.shown}")
        published = self._published(verdict, named.next, strategy.champion or named.shown)
        performance = performance_of(self.challenger, verdict)
        self._store(published, verdict, performance)
        if verdict.activate:
            put_live(
                self.tx,
                self.assignment.strategy_id,
                Promotion(
                    version=named.next,
                    previous_version=published.champion,
                    performance=performance,
                    why=f"{published.outcome}: {published.line}",
                    run_id=self.assignment.run_id,
                    activated_by=self.assignment.user_id if self.assignment.manual else None,
                ),
                self.now,
            )
        rows = self.challenger.rows
        finish(self.tx, self.assignment, rows, self.challenger.fingerprint)
        succeed(self.tx, self.assignment, rows, published)
        self._tell(published, verdict)
        return published

    def _rules(self, strategy: Any) -> Rules:
        """As they stand now: a person may have changed them during the training."""
        champion, limit = self.assignment.champion, timedelta(days=strategy.max_age_days)
        return Rules(
            mode=ActivationMode(strategy.activation_mode),
            manual=self.assignment.manual,
            champion_is_stale=champion is not None and self.now - champion.created_at > limit,
            pinned_version=strategy.pinned_version,
            pinned_since=strategy.pinned_at,
        )

    def _published(self, verdict: Verdict, version: str, champion: str | None) -> Published:
        evidence = verdict.evidence
        judged = evidence if isinstance(evidence, Comparison) else None
        return Published(
            outcome=verdict.outcome,
            line=verdict.line,
            version=version,
            activated=verdict.activate,
            champion=champion,
            accuracy=judged.challenger.accuracy if judged else None,
            improvement=judged.accuracy_improvement if judged else None,
            below_base_rate=verdict.below_base_rate,
            rows=self.challenger.rows,
        )

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
            verdict=Jsonb(verdict.to_json()),
            awaiting_approval=verdict.awaiting_approval,
            below_base_rate=verdict.below_base_rate,
            log_loss=judged.challenger.log_loss if judged else None,
            performance=Jsonb(performance),
            now=self.now,
        )

    def _tell(self, published: Published, verdict: Verdict) -> None:
        topic = "ModelActivated" if published.activated else "ModelKept"
        if verdict.awaiting_approval:
            topic = "ApprovalPending"
        payload = {"run_id": str(self.assignment.run_id), "version": published.version}
        told = payload | {"verdict": verdict.to_json()}
        notify(self.tx, topic, self.assignment.strategy_id, told)


def performance_of(challenger: Challenger, verdict: Verdict) -> Json:
    """What `ml_model_performance` says of a model; accuracies are those of the judged rows."""
    evidence = challenger.evidence
    told: Json = {
        "training_samples": challenger.fitted_rows,
        "win_rate": challenger.win_rate,
        "judged_rows": evidence.rows,
        "decided_by": verdict.line,
        "below_base_rate": verdict.below_base_rate,
    }
    if not isinstance(evidence, Comparison):
        return told | {"accuracy": None, "roc_auc": None, "improvement": None}
    return told | {
        "accuracy": evidence.challenger.accuracy,
        "roc_auc": evidence.challenger.roc_auc,
        "improvement": evidence.accuracy_improvement,
        "log_loss": evidence.challenger.log_loss,
        "log_loss_improvement": evidence.log_loss_improvement,
        "brier": evidence.challenger.brier,
    }
