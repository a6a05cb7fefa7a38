"""Keeps the books of one strategy in memory: what the trainer needs of them, and what a check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID, uuid5

from autoretrain.domain.degradation import Calls, Record, examine
from autoretrain.domain.degradation_rules import CALIBRATED
from autoretrain.domain.drift import Spread
from autoretrain.domain.gate import ActivationMode, Comparison, judge
from autoretrain.domain.json import Json
from autoretrain.domain.models import (
    Assignment,
    Challenger,
    Champion,
    Declined,
    RowsRead,
    Snapshot,
    StoredFile,
)
from autoretrain.domain.publishing import Terms, performance_of, published_of, rules_for
from autoretrain.domain.runs import Status, back_off
from autoretrain.domain.work import Progress, Published
from autoretrain.errors import InternalError
from autoretrain_local.replay.counting import calls_since, count, spreads_since
from autoretrain_local.replay.judged import Judged
from autoretrain_local.replay.log import Log
from autoretrain_local.replay.reader import Encoded, LogReader
from autoretrain_local.replay.serving import Serving
from autoretrain_local.replay.settings import Settings
from autoretrain_local.replay.simulated import Shelf, SimulatedClock
from autoretrain_trainer.artifact import load_champion
from autoretrain_trainer.rows import to_microseconds

_NOBODY = UUID(int=0)


@dataclass
class ReplayBooks:
    """One strategy; an `autoretrain.ports.Training` whose runs come one at a time."""

    log: Log
    settings: Settings
    clock: SimulatedClock
    shelf: Shelf
    serving: Serving
    strategy_id: UUID = _NOBODY
    champion: Champion | None = None
    trades_read_at: datetime | None = None
    next_eligible_at: datetime | None = None
    paused_at: datetime | None = None
    _failures: int = 0
    _fingerprint: str | None = None
    _accuracy: float | None = None
    _win_rate: float | None = None
    _versions: int = 0
    _runs: int = 0
    _reason: str = ""
    _waiting: bool = False
    _memories: StoredFile | None = None
    _judged: Judged = field(default_factory=Judged)
    _expected_calls: tuple[Calls, ...] = ()
    _reference: Json = field(default_factory=dict)
    _encoded: Encoded = field(init=False)

    def __post_init__(self) -> None:
        self._encoded = Encoded(self.log)

    # What a condition check does

    def snapshot(self) -> Snapshot:
        """Everything a check knows now; of the two degradation rules only what the one in force
        reads, because the other's figures are for showing."""
        as_of, policy = self.clock.now(), self.settings.policy
        version = self._active_version
        trained_at = self.trades_read_at
        counted = count(
            self.log,
            self.serving.said,
            to_microseconds(as_of),
            None if trained_at is None else to_microseconds(trained_at),
            version,
            policy,
        )
        return Snapshot(
            strategy_id=self.strategy_id,
            user_id=_NOBODY,
            name=self.log.strategy,
            as_of=as_of,
            checkable=self.paused_at is None,
            policy=policy,
            total_trades=counted.total_trades,
            new_trades=counted.new_trades,
            recent=counted.recent,
            spreads=self._spreads(as_of),
            record=self._record() if policy.degradation_rule == CALIBRATED else Record(),
            model_version=version,
            trained_at=trained_at,
            expected_accuracy=self._accuracy,
            expected_win_rate=self._win_rate,
            trades_read_at=trained_at,
        )

    @property
    def resting(self) -> bool:
        """Whether a failed training keeps the next one from beginning."""
        waits = self.next_eligible_at is not None and self.clock.now() < self.next_eligible_at
        return waits or self.paused_at is not None

    def claim(self, reason: str) -> UUID:
        """A run that waits for the trainer."""
        self._runs += 1
        self._reason, self._waiting = reason, True
        return self._run_id

    @property
    def _active_version(self) -> str | None:
        return self.champion.version if self.champion else None

    @property
    def _run_id(self) -> UUID:
        return uuid5(self.strategy_id, f"run {self._runs}")

    # What the trainer does

    def begin(self, run_id: UUID, task_arn: str | None) -> Assignment | None:  # noqa: ARG002
        self._waiting = False
        return self._assignment()

    def begin_next(self, task_arn: str | None) -> Assignment | None:
        return self.begin(self._run_id, task_arn) if self._waiting else None

    def refresh(self, assignment: Assignment) -> Assignment:
        return replace(self._assignment(), run_id=assignment.run_id)

    def heartbeat(self, assignment: Assignment, progress: Progress, seconds: float) -> None:
        """Nobody else could take the run."""

    @contextmanager
    def read_trades(
        self,
        strategy_id: UUID,  # noqa: ARG002 -- the books hold one
        as_of: datetime,
        newest: int,
    ) -> Iterator[LogReader]:
        yield LogReader(self.log, self._encoded, as_of, newest)

    def reused_rows(
        self,
        strategy_id: UUID,  # noqa: ARG002 -- the books hold one
        rival: str,
        since: datetime,
        until: datetime,
    ) -> int:
        return self._judged.reused(self.log, rival, to_microseconds(since), to_microseconds(until))

    def publish(
        self, assignment: Assignment, challenger: Challenger, key: str, now: datetime
    ) -> Published:
        verdict = judge(challenger.evidence, rules_for(assignment, self._terms(), now))
        self._versions += 1
        version = f"v{self._versions}"
        published = published_of(challenger, verdict, version, self._active_version)
        self._judged.add(challenger.evidence, to_microseconds(now))
        if verdict.activate:
            self._put_live(challenger, version, key, now)
            performance = performance_of(challenger, verdict)
            self._accuracy = _number(performance["accuracy"])
            self._win_rate = _number(performance["win_rate"])
        self._keep(challenger, key)
        return self._finish(challenger.rows, challenger.fingerprint, published)

    def decline(self, assignment: Assignment, declined: Declined) -> Published:  # noqa: ARG002
        published = Published(
            declined.outcome,
            declined.line,
            previous_version=self._active_version,
            rows=declined.rows,
        )
        return self._finish(declined.rows, declined.fingerprint, published)

    def fail(self, assignment: Assignment, code: str, message: str) -> None:  # noqa: ARG002
        self._failures += 1
        rest = back_off(self._failures)
        if rest is None:
            self.paused_at = self.clock.now()
        else:
            self.next_eligible_at = self.clock.now() + rest

    def interrupt(self, assignment: Assignment, message: str) -> Status:
        raise InternalError(f"a replayed training of {assignment.strategy_name} ended: {message}")

    def _assignment(self) -> Assignment:
        return Assignment(
            run_id=self._run_id,
            strategy_id=self.strategy_id,
            user_id=_NOBODY,
            strategy_name=self.log.strategy,
            reason=self._reason,
            fence=self._runs,
            attempt=1,
            manual=False,
            force=False,
            min_trades=self.settings.policy.min_trades,
            feature_weights=self.settings.feature_weights,
            allowed_features=self.settings.allowed_features,
            champion=self.champion,
            last_fingerprint=self._fingerprint,
            memories=self._memories,
        )

    def _terms(self) -> Terms:
        mode, policy = self.settings.activation_mode, self.settings.policy
        asked = mode is ActivationMode.IF_NOT_WORSE
        degraded = asked and examine(self._record()).degraded_over(policy.degradation_min_trades)
        return Terms(mode, policy.max_age_days, degraded=degraded)

    def _record(self) -> Record:
        """What the champion was judged to call right, and what it has called since."""
        if self.champion is None:
            return Record()
        now = to_microseconds(self.clock.now())
        self.serving.ask_until(now)
        since = to_microseconds(self.champion.created_at)
        live = calls_since(self.log, self.serving.said, since, now, self.champion.version)
        return Record(self._expected_calls, live)

    def _spreads(self, as_of: datetime) -> tuple[Spread, ...]:
        trained_at = self.trades_read_at
        if self.settings.policy.feature_drift_psi is None or trained_at is None:
            return ()
        return spreads_since(
            self.log, self._reference, to_microseconds(trained_at), to_microseconds(as_of)
        )

    def _put_live(self, challenger: Challenger, version: str, key: str, now: datetime) -> None:
        served, evidence = challenger.served, challenger.evidence
        self.champion = Champion(
            version, key, served.sha256, served.manifest_sha256, challenger.data_cutoff, now
        )
        self._expected_calls = evidence.calls if isinstance(evidence, Comparison) else ()
        self._reference = challenger.reference
        self.serving.go_live(version, load_champion(self.champion, self.shelf), now)

    def _keep(self, challenger: Challenger, key: str) -> None:
        """The next training goes on from these memories; of the others nobody will ask again."""
        self._memories = challenger.memories_at(key) or self._memories
        kept = {self._memories.key.rpartition("/")[0]} if self._memories else set()
        self.shelf.keep_only(kept | ({self.champion.artifact_key} if self.champion else set()))

    def _finish(self, rows: RowsRead, fingerprint: str, published: Published) -> Published:
        self.trades_read_at, self._fingerprint = rows.as_of, fingerprint
        self._failures, self.next_eligible_at = 0, None
        return published


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
