"""Owns the leash: a child process that ends with its owner, be it by kill -9."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

NO_USER_NAMESPACE = 77
"""Exit code of a child that was to shed root and could not."""

_NOT_FOUND = 127  # what a shell answers for a command that it cannot run
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_CLONE_NEWUSER = 0x10000000  # linux/sched.h; os.unshare came with Python 3.12


def leashed(
    command: Sequence[str | Path], farewell: signal.Signals, shed_root: bool = False
) -> list[str]:
    """The command line that runs `command` and sends it `farewell` when its owner dies.

    Linux ties the leash to the *thread* that starts the process: that thread has to live as long
    as the child. `shed_root` runs the command as an ordinary user of a user namespace of its own.
    Elsewhere than on Linux the command stays as it is.

    A program in between, instead of a function run between fork and exec: the owner has threads
    by then, and Python code after a fork may wait for a lock that nobody holds any more.
    """
    plain = [str(part) for part in command]
    if sys.platform != "linux":
        return plain
    owner, number, shed = str(os.getpid()), str(int(farewell)), str(int(shed_root))
    return [sys.executable, "-I", "-S", __file__, owner, number, shed, *plain]


def _run(owner_pid: int, farewell: int, shed_root: bool, command: list[str]) -> None:
    if shed_root:
        _shed_root()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(farewell))
    if os.getppid() != owner_pid:  # it died before the leash was on
        sys.exit(128 + farewell)
    # Python ignores these two, and a program inherits what is ignored.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 -- no shell is the point
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(_NOT_FOUND)


def _shed_root() -> None:
    try:
        if ctypes.CDLL(None).unshare(_CLONE_NEWUSER) != 0:
            sys.exit(NO_USER_NAMESPACE)
        for name, line in ("uid_map", "1000 0 1"), ("setgroups", "deny"), ("gid_map", "1000 0 1"):
            Path("/proc/self", name).write_text(line)
    except OSError:
        sys.exit(NO_USER_NAMESPACE)


if __name__ == "__main__":
    _run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1", sys.argv[4:])
