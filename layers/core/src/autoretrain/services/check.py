"""Decides for a handful of strategies whether to retrain, says why, and starts what is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from autoretrain.domain.conditions import Decision, decide
from autoretrain.domain.models import Snapshot
from autoretrain.domain.work import Claimed, ClaimRequest, NotClaimed
from autoretrain.errors import AutoRetrainError
from autoretrain.ports import Checking
from autoretrain.services.launch import Launcher, LaunchReport

STALE_AFTER = timedelta(minutes=90)


@dataclass(frozen=True, slots=True)
class Checked:
    """One strategy's decision and what followed; a strategy that only waited for a launch has
    no decision. `error` is what kept this strategy, and no other, from going further."""

    snapshot: Snapshot
    decision: Decision | None
    claim: Claimed | NotClaimed | None = None
    launch: LaunchReport | None = None
    error: AutoRetrainError | None = None


@dataclass(frozen=True, slots=True)
class Checker:
    """One query reads all figures, one statement stores all decisions, claims go one by one."""

    books: Checking
    launcher: Launcher

    def check(self, strategy_ids: Sequence[UUID], slot: datetime | None) -> list[Checked] | None:
        """Check the strategies; None for an event that is too old: the next tick has been."""
        snapshots = self.books.snapshots(strategy_ids)
        if slot is not None and any(one.as_of - slot > STALE_AFTER for one in snapshots):
            return None
        decisions = {
            snapshot.strategy_id: decide(snapshot, snapshot.policy)
            for snapshot in snapshots
            if snapshot.checkable
        }
        if decisions:
            self.books.store_decisions(list(decisions.values()), slot)
        return list(self._act(snapshots, decisions, slot))

    def _act(
        self, snapshots: Sequence[Snapshot], decisions: dict[UUID, Decision], slot: datetime | None
    ) -> Iterator[Checked]:
        for snapshot in snapshots:
            decision = decisions.get(snapshot.strategy_id)
            try:
                claim = self._claim(snapshot, decision, slot)
            except AutoRetrainError as exc:
                yield Checked(snapshot, decision, error=exc)
            else:
                yield self._launch(Checked(snapshot, decision, claim))

    def _launch(self, checked: Checked) -> Checked:
        claim = checked.claim
        waiting = claim.run_id if isinstance(claim, Claimed) else checked.snapshot.queued_run
        if waiting is None:
            return checked
        try:
            return replace(checked, launch=self.launcher.launch(waiting))
        except AutoRetrainError as exc:
            return replace(checked, error=exc)

    def _claim(
        self, snapshot: Snapshot, decision: Decision | None, slot: datetime | None
    ) -> Claimed | NotClaimed | None:
        if decision is None or not decision.should_retrain:
            return None
        return self.books.claim(
            ClaimRequest(
                strategy_id=snapshot.strategy_id,
                user_id=snapshot.user_id,
                reason=decision.reason,
                trades_read_at=snapshot.trades_read_at,
                slot=slot,
            )
        )
