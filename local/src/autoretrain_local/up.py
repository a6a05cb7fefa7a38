"""Keeps the stack up: ticks at once, then as often as the template says, until it is stopped."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from autoretrain.storage.database import connect
from autoretrain.storage.migrate import migrate
from autoretrain_local.databases import STACK_FILE, embedded
from autoretrain_local.facts import Narrator
from autoretrain_local.stack import LocalStack
from autoretrain_local.template import read_plan

GREETING = """\
auto-retrain is up; everything it keeps is in {data}. Ctrl-C stops it.
Add trades from another terminal: autoretrain import-trades FILE --strategy NAME
"""


def run(database_url: str | None, data: Path, out: TextIO) -> None:
    """Run until Ctrl-C or SIGTERM. Raises what the database and the stack raise at their start."""
    narrator, plan = Narrator(out), read_plan()
    with (
        nullcontext(database_url) if database_url else embedded(data) as url,
        _announced(data, url),
    ):
        with closing(connect(url)) as opened:
            for warning in migrate(opened).warnings:
                narrator.say(f"warning: {warning}")
        with LocalStack(url, data, narrator.hear, plan) as stack, _until_stopped():
            narrator.say(GREETING.format(data=data))
            _tick_for_ever(stack, plan.tick_every, narrator)


def _tick_for_ever(stack: LocalStack, every: timedelta, narrator: Narrator) -> None:
    while True:
        due = time.monotonic() + every.total_seconds()
        stack.tick()
        stack.settle()
        narrator.say(narrator.tally.line())
        time.sleep(max(0.0, due - time.monotonic()))


@contextmanager
def _until_stopped() -> Iterator[None]:
    """End quietly at the first Ctrl-C or SIGTERM; a second one does not disturb the end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextmanager
def _announced(data: Path, url: str) -> Iterator[None]:
    """Tell other commands where the database is, for this user's eyes only."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = data / STACK_FILE
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump({"pid": os.getpid(), "database_url": url}, opened)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
