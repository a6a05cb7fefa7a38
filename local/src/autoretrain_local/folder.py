"""Owns the local stack's folder: one process at a time works in it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoretrain.errors import OperatorError


@contextmanager
def claimed(folder: Path, work: str) -> Iterator[None]:
    """Hold the folder for this kind of work; the lock ends with the process, however that ends.

    Raises OperatorError where another process holds it, or the folder cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / f"{work}.lock").open("a")
    except OSError as exc:
        raise OperatorError(f"{folder} cannot be used ({exc.strerror}): name another") from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise OperatorError(
                f"another autoretrain {work} works in {folder}: stop it, or name another folder"
                " with --data"
            ) from exc
        yield


def write_private(file: Path, text: str) -> None:
    """Write a file of one's own anew: from its first moment nobody else may read it."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
