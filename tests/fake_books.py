"""The books, in memory: strategies and runs, and the rules that the real ones keep."""

from __future__ import annotations

import hashlib
import queue
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from autoretrain.domain.conditions import Decision
from autoretrain.domain.gate import Rules, judge
from autoretrain.domain.models import (
    Assignment,
    Challenger,
    Champion,
    Declined,
    Policy,
    RowsRead,
    Snapshot,
    StoredFile,
)
from autoretrain.domain.runs import (
    MAX_LOSSES_IN_A_ROW,
    RUNNING_LEASE,
    STARTING_LEASE,
    TRAINER_EXIT,
    Ending,
    Loss,
    Status,
)
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
    Progress,
    Published,
    TickSummary,
)
from autoretrain.errors import DatabaseUnavailable, RunCancelled, RunTaken
from autoretrain.ports import ChampionChanged, TradeReader
from tests.fakes import NOON, FakeArtifacts, FakeClock

LIVE = (Status.QUEUED, Status.STARTING, Status.RUNNING)


@dataclass
class BookedStrategy:
    """A strategy as the books hold it; `snapshot` is what a check would read."""

    snapshot: Snapshot
    enrolled: bool = True
    fence: int = 0
    failures: int = 0
    champion: Champion | None = None
    memories: StoredFile | None = None


@dataclass
class BookedRun:
    """One run as the books hold it."""

    run_id: UUID
    strategy_id: UUID
    fence: int
    reason: str = "50+ new trades since last training"
    slot: datetime | None = None
    manual: bool = False
    force: bool = False
    status: Status = Status.QUEUED
    attempt: int = 1
    losses: int = 0
    lease_expires_at: datetime | None = None
    task_arn: str | None = None
    progress: Progress | None = None
    code: str = ""
    message: str = ""
    published: Published | None = None

    def begin(self, status: Status, lease_expires_at: datetime) -> None:
        self.status, self.lease_expires_at = status, lease_expires_at

    def end(self, status: Status, code: str = "", message: str = "") -> None:
        self.status, self.code, self.message = status, code, message
        self.lease_expires_at = None


class FakeBooks:
    """All five books on one set of strategies and runs; ids count up from 1."""

    def __init__(self, clock: FakeClock, artifacts: FakeArtifacts) -> None:
        self.clock = clock
        self.artifacts = artifacts
        self.strategies: dict[UUID, BookedStrategy] = {}
        self.runs: dict[UUID, BookedRun] = {}
        self.stored: list[tuple[datetime | None, tuple[Decision, ...]]] = []
        self.launches_stopped: str | None = None
        self.probe_due = False
        self.beats: queue.SimpleQueue[Progress] = queue.SimpleQueue()
        self.down = False

    # What a test sets up.

    def add_strategy(self, *, enrolled: bool = True, **snapshot: Any) -> UUID:
        strategy_id = UUID(int=len(self.strategies) + 1)
        figures = {
            "user_id": UUID(int=7),
            "name": f"strategy {strategy_id.int}",
            "as_of": self.clock.now(),
            "checkable": True,
            "policy": Policy(),
            "total_trades": 99,
            "new_trades": 50,
        }
        given: Any = {"strategy_id": strategy_id} | figures | snapshot
        self.strategies[strategy_id] = BookedStrategy(Snapshot(**given), enrolled)
        return strategy_id

    def add_run(self, strategy_id: UUID, **columns: Any) -> BookedRun:
        strategy = self.strategies[strategy_id]
        strategy.fence += 1
        run = BookedRun(UUID(int=1000 + len(self.runs)), strategy_id, strategy.fence, **columns)
        self.runs[run.run_id] = run
        return run

    def crown(self, strategy_id: UUID, version: str) -> None:
        champion = Champion(version, version, "0" * 64, "0" * 64, NOON, NOON)
        self.strategies[strategy_id].champion = champion

    # Dispatching

    def enrol_strategies(self) -> None:
        for strategy in self.strategies.values():
            strategy.enrolled = True

    def strategies_to_check(self) -> list[DueStrategy]:
        due = [
            DueStrategy(strategy_id, strategy.enrolled and strategy.snapshot.checkable)
            for strategy_id, strategy in sorted(self.strategies.items())
        ]
        return [one for one in due if one.checkable or self._queued(one.strategy_id)]

    def expired_runs(self) -> list[LiveRun]:
        return [_live(run) for run in self.runs.values() if self._is_expired(run)]

    def adopt_task(self, run: LiveRun, task_arn: str) -> None:
        held = self.runs[run.run_id]
        if held.fence == run.fence and held.status is Status.STARTING and held.task_arn is None:
            held.task_arn = task_arn
            held.lease_expires_at = self.clock.now() + STARTING_LEASE

    def end_attempt(self, run: LiveRun, ending: Ending, *, expired_only: bool) -> Status | None:
        held = self.runs[run.run_id]
        if held.fence != run.fence or held.status not in LIVE[1:]:
            return None
        if expired_only and not self._is_expired(held):
            return None
        never_began = held.status is Status.STARTING and ending.error_code == TRAINER_EXIT
        if ending.loss is not None:
            self._lose(held, ending.loss, ending.message)
        elif ending.blames_deployment or never_began:
            held.end(Status.FAILED, "launch_config", ending.message)
            self.launches_stopped = ending.message
        else:
            self._fail(held, ending.error_code or TRAINER_EXIT, ending.message)
        return held.status

    def _lose(self, held: BookedRun, loss: Loss, message: str) -> None:
        if held.losses + 1 >= MAX_LOSSES_IN_A_ROW:
            self._fail(held, loss, message)
        else:
            self._requeue(held, loss, message, losses=1)

    def paused_strategies(self) -> list[PausedStrategy]:
        return []

    def forget_old_decisions(self) -> None:
        """There are none that old."""

    def tick_summary(self, slot: datetime) -> TickSummary:
        checked = {one.strategy_id for of, all_ in self.stored if of == slot for one in all_}
        runs = [run for run in self.runs.values() if run.slot == slot]
        made = [run.published for run in runs if run.published and run.published.version]
        return TickSummary(
            slot,
            checked=len(checked),
            retrained=len(made),
            activated=sum(published.activated for published in made),
            kept=sum(not published.activated for published in made),
            failed=sum(run.status is Status.FAILED for run in runs),
            live=sum(run.status in LIVE for run in runs),
        )

    # Checking

    def snapshots(self, strategy_ids: Sequence[UUID]) -> list[Snapshot]:
        as_of = self.clock.now()
        return [
            replace(strategy.snapshot, as_of=as_of, queued_run=self._queued(strategy_id))
            for strategy_id, strategy in sorted(self.strategies.items())
            if strategy_id in strategy_ids and strategy.enrolled
        ]

    def store_decisions(self, decisions: Sequence[Decision], slot: datetime | None) -> None:
        self.stored.append((slot, tuple(decisions)))

    def claim(self, request: ClaimRequest) -> Claimed | NotClaimed:
        runs = [run for run in self.runs.values() if run.strategy_id == request.strategy_id]
        strategy = self.strategies[request.strategy_id]
        if strategy.snapshot.trades_read_at != request.trades_read_at:
            return NotClaimed("figures_stale", "a training has finished")
        for run in runs:
            if run.status in LIVE:
                return NotClaimed("live_run", "a training is already on its way", run.run_id)
            if request.slot is not None and run.slot == request.slot:
                return NotClaimed("slot_done", "this tick has already trained the strategy")
        run = self.add_run(
            request.strategy_id,
            reason=request.reason,
            slot=request.slot,
            manual=request.manual,
            force=request.force,
        )
        return Claimed(run.run_id)

    # Launching

    def reserve_launch(self, run_id: UUID, max_concurrent_tasks: int) -> Launch | NotLaunched:
        run = self.runs[run_id]
        busy = sum(one.status in LIVE[1:] for one in self.runs.values())
        if busy >= max_concurrent_tasks or run.status is not Status.QUEUED:
            return NotLaunched("no task is free now")
        if self.launches_stopped is not None and not self.probe_due:
            return NotLaunched(self.launches_stopped, stopped=True)
        run.begin(Status.STARTING, self.clock.now() + STARTING_LEASE)
        return Launch(run_id, run.strategy_id, run.attempt, run.fence)

    def record_task(self, launch: Launch, task_arn: str) -> None:
        run = self.runs[launch.run_id]
        if run.fence == launch.fence:
            run.task_arn = run.task_arn or task_arn

    def launch_unavailable(self, launch: Launch, message: str) -> None:
        run = self.runs[launch.run_id]
        if run.fence == launch.fence and run.status is Status.STARTING:
            self._requeue(run, "launch_unavailable", message, losses=0)

    def launch_refused(self, launch: Launch, message: str) -> None:
        run = self.runs[launch.run_id]
        if run.fence == launch.fence and run.status is Status.STARTING:
            run.end(Status.FAILED, "launch_config", message)
        self.launches_stopped = message

    # Stopping

    def runs_of_task(self, task_arn: str, started_for: Attempt | None) -> list[LiveRun]:
        return [
            _live(run)
            for run in self.runs.values()
            if run.status in LIVE[1:]
            and (
                run.task_arn == task_arn
                or (run.task_arn is None and Attempt(run.run_id, run.attempt) == started_for)
            )
        ]

    # Training

    def begin(self, run_id: UUID, task_arn: str | None) -> Assignment | None:
        self._reach()
        run = self.runs[run_id]
        if run.status not in LIVE[:2] or run.fence != self.strategies[run.strategy_id].fence:
            return None
        run.begin(Status.RUNNING, self.clock.now() + RUNNING_LEASE)
        run.task_arn = task_arn or run.task_arn
        self.launches_stopped = None
        return self._assignment(run)

    def begin_next(self, task_arn: str | None) -> Assignment | None:
        self._reach()
        waiting = [run for run in self.runs.values() if run.status is Status.QUEUED]
        return self.begin(waiting[0].run_id, task_arn) if waiting else None

    def refresh(self, assignment: Assignment) -> Assignment:
        return self._assignment(self._held(assignment))

    def heartbeat(self, assignment: Assignment, progress: Progress, seconds: float) -> None:
        run = self._held(assignment)
        run.progress = progress
        run.lease_expires_at = self.clock.now() + RUNNING_LEASE
        self.beats.put(progress)

    def read_trades(
        self, strategy_id: UUID, as_of: datetime, newest: int
    ) -> AbstractContextManager[TradeReader]:
        raise NotImplementedError("the fake learner brings its own lessons")

    def reused_rows(self, strategy_id: UUID, rival: str, since: datetime, until: datetime) -> int:
        raise NotImplementedError("the fake learner brings its own lessons")

    def publish(
        self, assignment: Assignment, challenger: Challenger, key: str, now: datetime
    ) -> Published:
        run = self._held(assignment)
        strategy = self.strategies[run.strategy_id]
        if strategy.champion != assignment.champion:
            raise ChampionChanged
        served = challenger.served
        self.artifacts.get(f"{key}/model.txt", served.sha256)
        self.artifacts.get(f"{key}/manifest.json", served.manifest_sha256)
        if challenger.memories is not None:
            sha256 = hashlib.sha256(challenger.memories).hexdigest()
            strategy.memories = StoredFile(f"{key}/memories.json", sha256)
            self.artifacts.get(strategy.memories.key, sha256)
        verdict = judge(challenger.evidence, Rules(manual=assignment.manual))
        version = f"v{1 + sum(one.published is not None for one in self.runs.values())}"
        if verdict.activate:
            digests = served.sha256, served.manifest_sha256
            strategy.champion = Champion(version, key, *digests, challenger.data_cutoff, now)
        was = assignment.champion.version if assignment.champion else None
        published = Published(verdict.outcome, verdict.line, version, verdict.activate, was)
        return self._finish(run, challenger.rows, published)

    def decline(self, assignment: Assignment, declined: Declined) -> Published:
        run = self._held(assignment)
        return self._finish(run, declined.rows, Published(declined.outcome, declined.line))

    def fail(self, assignment: Assignment, code: str, message: str) -> None:
        self._fail(self._held(assignment), code, message)

    def interrupt(self, assignment: Assignment, message: str) -> Status:
        held = self._held(assignment)
        self._lose(held, Loss.INTERRUPTED, message)
        return held.status

    # What they share

    def _reach(self) -> None:
        if self.down:
            raise DatabaseUnavailable

    def _held(self, assignment: Assignment) -> BookedRun:
        """The run, unless its fence has moved on."""
        self._reach()
        run = self.runs[assignment.run_id]
        if run.fence != assignment.fence or run.status is not Status.RUNNING:
            raise RunCancelled if run.status is Status.CANCELLED else RunTaken
        return run

    def _queued(self, strategy_id: UUID) -> UUID | None:
        queued = (run for run in self.runs.values() if run.status is Status.QUEUED)
        return next((run.run_id for run in queued if run.strategy_id == strategy_id), None)

    def _is_expired(self, run: BookedRun) -> bool:
        return run.lease_expires_at is not None and run.lease_expires_at < self.clock.now()

    def _requeue(self, run: BookedRun, code: str, message: str, losses: int) -> None:
        run.end(Status.QUEUED, code, message)
        strategy = self.strategies[run.strategy_id]
        strategy.fence += 1
        run.fence, run.task_arn = strategy.fence, None
        run.attempt += 1
        run.losses += losses

    def _fail(self, run: BookedRun, code: str, message: str) -> None:
        run.end(Status.FAILED, code, message)
        self.strategies[run.strategy_id].failures += 1

    def _finish(self, run: BookedRun, rows: RowsRead, published: Published) -> Published:
        run.end(Status.SUCCEEDED)
        run.published = published
        strategy = self.strategies[run.strategy_id]
        strategy.failures = 0
        strategy.snapshot = replace(
            strategy.snapshot, trained_at=rows.as_of, trades_read_at=rows.as_of
        )
        return published

    def _assignment(self, run: BookedRun) -> Assignment:
        strategy = self.strategies[run.strategy_id]
        return Assignment(
            run_id=run.run_id,
            strategy_id=run.strategy_id,
            user_id=strategy.snapshot.user_id,
            strategy_name=strategy.snapshot.name,
            reason=run.reason,
            fence=run.fence,
            attempt=run.attempt,
            manual=run.manual,
            force=run.force,
            min_trades=strategy.snapshot.policy.min_trades,
            feature_weights={},
            champion=strategy.champion,
            memories=strategy.memories,
        )


def _live(run: BookedRun) -> LiveRun:
    return LiveRun(run.run_id, run.strategy_id, run.attempt, run.fence, run.status, run.task_arn)
