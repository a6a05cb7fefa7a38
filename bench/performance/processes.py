"""Runs what is measured in a process of its own, and tells how much memory every process took."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_LOOK_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended well: its wall time, the most memory it held, what it wrote."""

    seconds: float
    peak_mb: float
    output: str

    def told(self) -> dict[str, Any]:
        """The JSON of its last line."""
        told: dict[str, Any] = json.loads(self.output.splitlines()[-1])
        return told


def run(
    name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> Ended:
    """Raises RuntimeError with what the process said when it fails."""
    began, peak = time.perf_counter(), 0.0
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        # What it writes fits into the pipe; its end must not wait for a reader.
        while process.poll() is None:
            peak = max(peak, peak_mb(process.pid))
            time.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - began
        output = process.stdout.read() if process.stdout else ""
    if process.returncode != 0:
        raise RuntimeError(f"{name} ended with {process.returncode}:\n{output}")
    tell_memory(name, peak)
    return Ended(seconds, peak, output)


def python(
    name: str, module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run a module of ours in a fresh interpreter, which finds nothing but what we do."""
    paths = {"PYTHONPATH": str(ROOT)}
    return run(
        name,
        [sys.executable, "-m", module, *arguments],
        {**os.environ, **paths, **(environment or {})},
    )


def peak_mb(pid: int | str = "self") -> float:
    """The most memory that the process ever held, 0 where it is gone."""
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def tell_memory(name: str, mb: float) -> None:
    print(f"    memory: {mb:7.1f} MB  {name}", flush=True)


def tell_all_memory() -> None:
    """This process, and all that it has running now, the largest of each kind."""
    tell_memory("bench", peak_mb())
    kinds: dict[str, list[float]] = {}
    for child in psutil.Process().children(recursive=True):
        if mb := peak_mb(child.pid):
            kinds.setdefault(_kind(child), []).append(mb)
    for kind, taken in kinds.items():
        many = f" ({len(taken)} of them, the largest)" if len(taken) > 1 else ""
        tell_memory(f"{kind}{many}", max(taken))


def _kind(child: psutil.Process) -> str:
    """What its command line says, but for what is secret, or only its own."""
    try:
        words = child.cmdline()
    except psutil.Error:
        return "ended"
    if words[0].startswith("postgres:"):
        return "postgres: " + ("a connection" if "127.0.0.1" in words[0] else "its own")
    return " ".join([Path(words[0]).name, *words[1:3]])


@contextmanager
def silenced(log: Path) -> Iterator[None]:
    """What processes write to this one's output goes to the file meanwhile."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        try:
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
            yield
        finally:
            for stream, before in zip((1, 2), kept, strict=True):
                os.dup2(before, stream)
                os.close(before)
