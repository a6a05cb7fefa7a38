"""A training that somebody asks for, if a condition fires or in any case; and the wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from autoretrain.domain.conditions import decide
from autoretrain.domain.runs import LIVE
from autoretrain.domain.work import Claimed, ClaimRequest, Idempotency, NotClaimed, Wish
from autoretrain.ports import Asking, Clock
from autoretrain.services.launch import Launcher, LaunchOutcome

CHECKS = 2
"""A training that finishes during a check makes its figures stale once, hardly twice."""
WAIT_STEP_SECONDS = 0.25
SWITCHED_OFF = NotClaimed(
    "switched_off",
    "the hourly check leaves this strategy alone: it is not active, ml_training_enabled is false,"
    " or it is paused; `force` trains it all the same",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request. `run_id` is the run that answers it, new or not; `not_started` is
    why there is none, why it is an older one, or why it waits."""

    should_retrain: bool
    reason: str
    run_id: UUID | None = None
    not_started: NotClaimed | None = None


@dataclass(frozen=True, slots=True)
class Retraining:
    """Claims and launches the way the hourly check does; a live run is never doubled."""

    books: Asking
    launcher: Launcher
    clock: Clock
    runs_per_hour: int
    pause: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def check(
        self, user_id: UUID, strategy_id: UUID, *, force: bool, idempotency: Idempotency | None
    ) -> Asked:
        """Decide now, and train if a condition fires, or by `force`.

        Raises Unknown, Conflict, TooManyRuns.
        """
        # A decision may be another by now; the run of the same request is the same.
        before = self.books.repeated(user_id, idempotency) if idempotency else None
        if before is not None:
            run_id, reason = before
            return Asked(True, reason, run_id)
        for _ in range(CHECKS):
            asked = self._check(user_id, strategy_id, force, idempotency)
            if asked.not_started is None or asked.not_started.code != "figures_stale":
                break
        return asked

    def train(self, user_id: UUID, wish: Wish, idempotency: Idempotency | None) -> Asked:
        """Train now. Raises Unknown, Conflict, TooManyRuns."""
        request = ClaimRequest(
            strategy_id=wish.strategy_id,
            user_id=user_id,
            reason=wish.reason,
            manual=wish.manual,
            force=True,
            min_trades=wish.min_trades,
            feature_weights=wish.feature_weights,
            idempotency=idempotency,
        )
        return self._start(request)

    def wait(self, user_id: UUID, run_id: UUID, seconds: float) -> None:
        """Return once the run has ended, or the seconds are over. Raises Unknown."""
        deadline = self.monotonic() + seconds
        while self.books.status(user_id, run_id) in LIVE and self.monotonic() < deadline:
            self.pause(WAIT_STEP_SECONDS)

    def _check(
        self, user_id: UUID, strategy_id: UUID, force: bool, idempotency: Idempotency | None
    ) -> Asked:
        snapshot = self.books.snapshot(user_id, strategy_id, self.clock.now())
        decision = decide(snapshot, snapshot.policy)
        self.books.store_decisions([decision], slot=None)
        if not (decision.should_retrain or force):
            return self._as_it_is(user_id, strategy_id, decision.reason)
        if not (snapshot.checkable or force):
            return Asked(True, decision.reason, not_started=SWITCHED_OFF)
        request = ClaimRequest(
            strategy_id=strategy_id,
            user_id=user_id,
            reason=decision.reason if decision.should_retrain else "asked for by force",
            trades_read_at=snapshot.trades_read_at,
            force=force,
            idempotency=idempotency,
        )
        return self._start(request)

    def _as_it_is(self, user_id: UUID, strategy_id: UUID, reason: str) -> Asked:
        """Nothing is to be started, but a training may be on its way all the same."""
        live = self.books.live_run(user_id, strategy_id)
        return Asked(False, reason, live.live_run if live else None, live)

    def _start(self, request: ClaimRequest) -> Asked:
        self.books.free_lost_run(request.user_id, request.strategy_id)
        claim = self.books.claim_within(request, self.runs_per_hour)
        run_id = claim.run_id if isinstance(claim, Claimed) else claim.live_run
        waits = self._launch(run_id) if run_id is not None else None
        not_started = claim if isinstance(claim, NotClaimed) else waits
        return Asked(True, request.reason, run_id, not_started)

    def _launch(self, run_id: UUID) -> NotClaimed | None:
        """None once the run has its task, else what it waits for."""
        report = self.launcher.launch(run_id)
        if report.outcome in (LaunchOutcome.LAUNCHED, LaunchOutcome.MOVED_ON):
            return None
        return NotClaimed(report.outcome, report.message, run_id)
