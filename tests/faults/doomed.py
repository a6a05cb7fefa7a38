"""A trainer's own process, which meets its end at a named checkpoint.

The product has no hook for it: checkpoints are the phases that a training tells of, and both sides
of every call through a port that changes something.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import boto3

from autoretrain.domain.models import MANIFEST_FILE, MEMORIES_FILE, MODEL_FILE, REPORT_FILE
from autoretrain.services.train import Trainer
from tests.faults.offers import session

Reach = Callable[[str], None]
_CALLS = ("begin", "publish", "put")
FILES = (MODEL_FILE, MANIFEST_FILE, REPORT_FILE, MEMORIES_FILE)
PHASES = (
    "loading",
    "fitting",
    "judging",
    "refitting",
    "remembering",
    "reporting",
    "publishing",
)
PRELOADED = ["__main__", __name__, "autoretrain_trainer.__main__", "tests.faults.preloaded"]
CHECKPOINTS = (
    "before begin",
    "after begin",
    *PHASES,
    *(f"{side} put {file}" for file in FILES for side in ("before", "after")),
    "before publish",
    "after publish",
)
"""In the order of a first training."""


class _Port:
    """Books or a store that tell when they are about to change something, and when they have."""

    def __init__(self, inner: Any, reach: Reach) -> None:
        self._inner = inner
        self._reach = reach

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        if name not in _CALLS:
            return inner

        def call(*given: Any) -> Any:
            what = f"{name} {Path(given[0]).name}" if name == "put" else name
            self._reach(f"before {what}")
            answer = inner(*given)
            self._reach(f"after {what}")
            return answer

        return call


def with_checkpoints(trainer: Trainer, reach: Reach) -> Trainer:
    seen = set[str]()

    def watch(assignment: Any, progress: Any) -> None:
        if progress.phase not in seen:
            seen.add(progress.phase)
            reach(progress.phase)

    books: Any = _Port(trainer.books, reach)
    artifacts: Any = _Port(trainer.artifacts, reach)
    return replace(trainer, books=books, artifacts=artifacts, watch=watch)


def exit_code_of(
    environment: Mapping[str, str], end: str, how: signal.Signals, passed: Path
) -> int:
    """Run a trainer that sends itself the signal at the checkpoint `end`; the checkpoints that it
    came by are in `passed`. Returns what a container would report."""
    processes = get_context("forkserver")
    processes.set_forkserver_preload(PRELOADED)
    process = processes.Process(target=_live, args=(dict(environment), end, how, passed))
    process.start()
    process.join()
    code = process.exitcode
    process.close()
    assert code is not None
    return code if code >= 0 else 128 - code


def _live(environment: dict[str, str], end: str, how: signal.Signals, passed: Path) -> None:
    process: Any = import_module("autoretrain_trainer.__main__")
    os.environ.clear()
    os.environ.update(environment)
    boto3.setup_default_session(botocore_session=session())
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def reach(checkpoint: str) -> None:
        with passed.open("a") as file:
            file.write(f"{checkpoint}\n")
        if checkpoint == end:
            os.kill(os.getpid(), how)

    assembled = process.trainer
    process.trainer = lambda *given: with_checkpoints(assembled(*given), reach)
    sys.exit(process.main())
