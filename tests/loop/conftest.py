"""The `autoretrain` command as a user runs it: a process, its lines, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass
class Command:
    """A running `autoretrain`; `until` reads its lines, so nothing waits by the clock."""

    process: subprocess.Popen[str]

    def until(self, text: str) -> str:
        """Every line up to the one that holds the text."""
        lines = []
        for line in self.process.stdout or ():
            lines.append(line)
            if text in line:
                return "".join(lines)
        raise AssertionError(f"{text!r} never came:\n{''.join(lines)}")

    def family(self) -> list[psutil.Process]:
        """Everything that the command has started."""
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def stop(self, how: signal.Signals) -> int:
        """Send the signal to the command alone; returns its exit code once all its family ended."""
        family = self.family()
        self.process.send_signal(how)
        code = self.process.wait(60)
        _, alive = psutil.wait_procs(family, timeout=60)
        assert alive == [], f"left behind: {alive}"
        return code


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", ""), "LANG": "C.UTF-8"}


def finished(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("autoretrain"), *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=cwd,
        check=False,
    )


@contextmanager
def started(*arguments: str | Path) -> Iterator[Command]:
    with subprocess.Popen(
        [Path(sys.executable).with_name("autoretrain"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        start_new_session=True,
    ) as process:
        try:
            yield Command(process)
        finally:
            if process.poll() is None:
                process.kill()
