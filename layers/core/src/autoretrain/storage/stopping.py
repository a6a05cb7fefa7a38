"""Which runs a stopped task leaves behind."""

from __future__ import annotations

from autoretrain.domain.work import Attempt, LiveRun
from autoretrain.storage.endings import EndingBooks, live_runs


class StopBooks(EndingBooks):
    """What task_stopped reads and writes; see `ports.Stopping`."""

    def runs_of_task(self, task_arn: str, started_for: Attempt | None) -> list[LiveRun]:
        values = {
            "task_arn": task_arn,
            "run_id": started_for.run_id if started_for else None,
            "attempt": started_for.number if started_for else None,
        }
        rows = self._database.transaction(lambda tx: tx.all("runs_of_task", **values))
        return live_runs(rows)
