"""The life of a run: queued -> starting -> running -> succeeded | failed | cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

STARTING_LEASE = timedelta(minutes=10)
RUNNING_LEASE = timedelta(seconds=120)
HEARTBEAT_EVERY = timedelta(seconds=20)
MAX_RUNTIME = timedelta(minutes=60)
MAX_LOSSES_IN_A_ROW = 3
FAILURES_BEFORE_PAUSE = 5

TRAINER_EXIT = "trainer_exit"
SERVICE_DID_NOT_ANSWER, NEEDS_OPERATOR, KILLED, TERMINATED = 75, 78, 137, 143
"""Exit codes of a trainer: EX_TEMPFAIL, EX_CONFIG, and 128 + SIGKILL or SIGTERM."""


class Status(StrEnum):
    """Where a run is. A live run is queued, starting or running."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = frozenset({Status.QUEUED, Status.STARTING, Status.RUNNING})


class Loss(StrEnum):
    """How the platform ended an attempt; the same run is queued again as its next attempt."""

    INTERRUPTED = "interrupted"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Ending:
    """What a stopped task means for its run: a loss is queued again, an error is the strategy's,
    unless the deployment is to blame for it."""

    loss: Loss | None = None
    error_code: str | None = None
    message: str = ""
    blames_deployment: bool = False


def back_off(failures: int) -> timedelta | None:
    """How long a strategy rests after its n-th failure in a row: 1, 2, 4, 8 h; None is a pause."""
    if failures >= FAILURES_BEFORE_PAUSE:
        return None
    return timedelta(hours=2 ** (failures - 1))


def ending_of_task(
    exit_code: int | None, stop_code: str | None, stopped_reason: str, container_reason: str
) -> Ending:
    """Read an ECS task's end. Exit 137 alone is ambiguous; only the reason tells out of memory.

    Stop codes: Amazon ECS API reference, `Task.stopCode`.
    """
    why = container_reason or stopped_reason or "the task stopped without a reason"
    if "OutOfMemory" in container_reason + stopped_reason:
        return Ending(
            error_code="out_of_memory", message=f"{why}. Raise TrainerMemory and deploy again."
        )
    if stop_code == "TaskFailedToStart":
        return Ending(loss=Loss.LOST, message=f"the task never started: {why}")
    if exit_code in (0, SERVICE_DID_NOT_ANSWER, KILLED, None):
        return Ending(loss=Loss.LOST, message=why)
    if exit_code == TERMINATED:
        return Ending(loss=Loss.INTERRUPTED, message=why)
    if exit_code == NEEDS_OPERATOR:
        message = f"the trainer cannot work as it is deployed, its log says why: {why}"
        return Ending(error_code="launch_config", message=message, blames_deployment=True)
    return Ending(error_code=TRAINER_EXIT, message=f"the trainer exited with {exit_code}: {why}")
