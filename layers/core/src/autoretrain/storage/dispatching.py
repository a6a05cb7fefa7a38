"""The tick's books: who is due, which runs are lost, and what came of the hour."""

from __future__ import annotations

from datetime import datetime

from autoretrain.domain.runs import STARTING_LEASE
from autoretrain.domain.work import DueStrategy, LiveRun, PausedStrategy, TickSummary
from autoretrain.storage.endings import EndingBooks, live_runs


class DispatchBooks(EndingBooks):
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
