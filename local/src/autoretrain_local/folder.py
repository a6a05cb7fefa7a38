"""Owns the local stack's folder: one process at a time works in it."""

from __future__ import annotations

import fcntl
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
