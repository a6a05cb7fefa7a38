"""How far a training is, for whoever waits for it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

import click

from autoretrain_client.commands.printing import cut, plain, say

if TYPE_CHECKING:
    from autoretrain_client.answers import Run, RunSummary

_BAR = 24
_CLEAR = "\r\x1b[K"


def stage(run: Run | RunSummary) -> str:
    """What the run does now."""
    if run.status != "running" or not run.phase:
        return run.status
    rounds = f" {run.round or 0}/{run.rounds}" if run.rounds else ""
    return f"{run.phase}{rounds}"


class Progress:
    """Hears of a run, and shows it on stderr: on a terminal a line that changes, elsewhere one for
    each phase."""

    def __init__(self, name: str, clock: Callable[[], float] = monotonic) -> None:
        self.run: Run | None = None
        self._name = name
        self._clock = clock
        self._since = clock()
        self._told = ""

    def __call__(self, run: Run) -> None:
        self.run = run
        if sys.stderr.isatty():
            self._redraw(run)
        else:
            self._tell_once(run)

    def clear(self) -> None:
        """Make room for what is printed next."""
        if sys.stderr.isatty():
            click.echo(_CLEAR, nl=False, err=True)

    def _redraw(self, run: Run) -> None:
        minutes, seconds = divmod(int(self._clock() - self._since), 60)
        line = f"{self._name}: {stage(run)}{_bar(run)}  {minutes}:{seconds:02}"
        # One column stays free: a terminal that is full goes on to the next line.
        line = cut(plain(line), shutil.get_terminal_size().columns - 1)
        click.echo(_CLEAR + line, nl=False, err=True)

    def _tell_once(self, run: Run) -> None:
        doing = run.phase if run.status == "running" and run.phase else run.status
        if doing != self._told:
            say([f"{self._name}: {doing}"], err=True)
        self._told = doing


def _bar(run: Run) -> str:
    if run.status != "running" or not run.rounds:
        return ""
    done = min(_BAR, _BAR * (run.round or 0) // run.rounds)
    return f"  [{'#' * done}{'-' * (_BAR - done)}]"
