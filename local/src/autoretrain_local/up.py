"""Keeps the stack up: ticks at once, then as often as the template says, until it is stopped."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TextIO

from autoretrain.storage.connection import connect
from autoretrain.storage.migrate import migrate
from autoretrain_local.account import CONSOLE, SignIn
from autoretrain_local.containers import let_in
from autoretrain_local.databases import STACK_FILE, embedded
from autoretrain_local.facts import Narrator
from autoretrain_local.folder import claimed, write_private
from autoretrain_local.stack import LocalStack
from autoretrain_local.template import read_plan
from autoretrain_local.token_file import local_token

LOOK_SECONDS = 1.0
"""How soon a stop is seen that interrupted nothing."""

GREETING = """\
auto-retrain is up; {kept}. Ctrl-C stops it.
Add trades from another terminal: {command} import-trades FILE --strategy NAME
The console: {url}{built}
The API, for your own strategies:
  export AUTORETRAIN_URL={url} AUTORETRAIN_TOKEN={token}
  curl -H "Authorization: Bearer $AUTORETRAIN_TOKEN" $AUTORETRAIN_URL/api/ai-strategies
"""


def run(database_url: str | None, data: Path, port: int, sign_in: SignIn, out: TextIO) -> None:
    """Run until Ctrl-C or SIGTERM. Raises what the database and the stack raise at their start."""
    narrator, plan = Narrator(out, notifications=True), read_plan()
    with (
        claimed(data, "up"),
        nullcontext(database_url) if database_url else embedded(data) as url,
        _announced(data, url),
    ):
        _migrate(url, narrator, is_named=bool(database_url))
        token = local_token(url, data)
        with (
            LocalStack(url, data, narrator.hear, plan, port, sign_in) as stack,
            let_in(data, url, stack.variables),
            _until_stopped() as was_stopped,
        ):
            narrator.say(
                GREETING.format(
                    kept=_kept(data, database_url),
                    command=Path(sys.argv[0]),
                    url=stack.url,
                    token=token,
                    built=_whether_built(),
                )
            )
            _tick_until(was_stopped, stack, plan.tick_every, narrator)
    narrator.say(f"\nauto-retrain has stopped; {_kept(data, database_url)}.")


def _kept(data: Path, database_url: str | None) -> str:
    if database_url:
        return f"models are kept in {data}, everything else in the database"
    return f"everything it keeps is in {data}"


def _migrate(url: str, narrator: Narrator, is_named: bool) -> None:
    with closing(connect(url)) as opened:
        if is_named:
            where = f"{opened.info.host}:{opened.info.port}/{opened.info.dbname}"
            narrator.say(f"database: {where} (from --database-url or DATABASE_URL)")
        migrated = migrate(opened)
    for name in migrated.applied:
        narrator.say(f"applied {name}")
    for warning in migrated.warnings:
        narrator.say(f"warning: {warning}")


def _tick_until(
    was_stopped: Callable[[], bool], stack: LocalStack, every: timedelta, narrator: Narrator
) -> None:
    while not was_stopped():
        due, next_check = time.monotonic() + every.total_seconds(), datetime.now(UTC) + every
        stack.tick()
        stack.settle()
        narrator.say(f"{narrator.tally.line()}\nNext check at {next_check:%H:%M} UTC")
        while not was_stopped() and (left := due - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))


def _whether_built() -> str:
    built = (CONSOLE / "index.html").exists()
    return "" if built else " (not built yet: `make console`, then load it again)"


@contextmanager
def _until_stopped() -> Iterator[Callable[[], bool]]:
    """End quietly at the first Ctrl-C or SIGTERM; a second one does not disturb the end. Yields
    whether there was one: where it comes while garbage is being collected, Python drops the
    exception."""
    signals: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell's background has it
            signal.signal(number, stop)
    with suppress(KeyboardInterrupt):
        yield lambda: bool(signals)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextmanager
def _announced(data: Path, url: str) -> Iterator[None]:
    """Tell other commands where the database is, for this user's eyes only."""
    file = data / STACK_FILE
    write_private(file, json.dumps({"pid": os.getpid(), "database_url": url}))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
