from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from autoretrain.domain.runs import Ending, Loss, back_off, ending_of_task


@pytest.mark.parametrize(("failures", "hours"), [(1, 1), (2, 2), (3, 4), (4, 8)])
def test_back_off_doubles_with_every_failure_in_a_row(failures: int, hours: int) -> None:
    assert back_off(failures) == timedelta(hours=hours)


@pytest.mark.parametrize("failures", [5, 6])
def test_back_off_is_a_pause_from_the_fifth_failure_on(failures: int) -> None:
    assert back_off(failures) is None


EXITED = "EssentialContainerExited"
ESSENTIAL = "Essential container in task exited"
OOM = "OutOfMemoryError: Container killed due to memory usage"
SPOT = "Your Spot Task was interrupted."
PULL = "CannotPullContainerError: pull image manifest has been retried"


def row(case: str, exit_code: int | None, stop_code: str | None, *expected: Any) -> Any:
    stopped_reason, container_reason, ending = expected
    return pytest.param(exit_code, stop_code, stopped_reason, container_reason, ending, id=case)


@pytest.mark.parametrize(
    ("exit_code", "stop_code", "stopped_reason", "container_reason", "ending"),
    [
        row(
            "out of memory",
            137,
            EXITED,
            ESSENTIAL,
            OOM,
            Ending(
                error_code="out_of_memory",
                message=f"{OOM}. Raise TrainerMemory and deploy again.",
            ),
        ),
        row(
            "out of memory said by the task",
            137,
            EXITED,
            OOM,
            "",
            Ending(
                error_code="out_of_memory",
                message=f"{OOM}. Raise TrainerMemory and deploy again.",
            ),
        ),
        row("killed", 137, EXITED, ESSENTIAL, "", Ending(Loss.LOST, message=ESSENTIAL)),
        row(
            "asked to stop",
            143,
            "UserInitiated",
            "Task stopped by user",
            "",
            Ending(Loss.INTERRUPTED, message="Task stopped by user"),
        ),
        row(
            "Spot interruption, left in time",
            143,
            "SpotInterruption",
            SPOT,
            "",
            Ending(Loss.INTERRUPTED, message=SPOT),
        ),
        row(
            "Spot interruption, killed",
            137,
            "SpotInterruption",
            SPOT,
            "",
            Ending(Loss.LOST, message=SPOT),
        ),
        row(
            "never started",
            None,
            "TaskFailedToStart",
            PULL,
            "",
            Ending(Loss.LOST, message=f"the task never started: {PULL}"),
        ),
        row(
            "no container, no reason",
            None,
            None,
            "",
            "",
            Ending(Loss.LOST, message="the task stopped without a reason"),
        ),
        row("exit 0, run still live", 0, EXITED, ESSENTIAL, "", Ending(Loss.LOST, None, ESSENTIAL)),
        row(
            "exit 70",
            70,
            EXITED,
            ESSENTIAL,
            "",
            Ending(error_code="trainer_exit", message=f"the trainer exited with 70: {ESSENTIAL}"),
        ),
        row(
            "segmentation fault",
            139,
            EXITED,
            ESSENTIAL,
            "",
            Ending(error_code="trainer_exit", message=f"the trainer exited with 139: {ESSENTIAL}"),
        ),
    ],
)
def test_end_of_a_task_says_whose_fault_it_was(
    exit_code: int | None,
    stop_code: str | None,
    stopped_reason: str,
    container_reason: str,
    ending: Ending,
) -> None:
    assert ending_of_task(exit_code, stop_code, stopped_reason, container_reason) == ending


def test_end_of_a_task_is_a_loss_when_a_service_did_not_answer_the_trainer() -> None:
    assert ending_of_task(75, EXITED, ESSENTIAL, "").loss is Loss.LOST
