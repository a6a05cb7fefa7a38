"""The main job in one command: a market, seven strategies, one tick, and what came of it."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from autoretrain.errors import InternalError
from autoretrain.storage.connection import connect
from autoretrain.storage.migrate import migrate
from autoretrain_local.account import BUCKET
from autoretrain_local.demo.market import load_prices, weeks_moved
from autoretrain_local.demo.stage import Stage
from autoretrain_local.demo.strategies import demo_strategies
from autoretrain_local.facts import Narrator
from autoretrain_local.folder import claimed
from autoretrain_local.postgres import PostgresServer
from autoretrain_local.stack import LocalStack

FIRST_SCREEN = """\
auto-retrain demo: seven strategies, one of them switched off, trade the S&P 500 and NASDAQ
(index prices, simulated fills).
The prices are real, 1999-2018, with all dates moved forward by {weeks} weeks, so that the last
trading day lies within the last week. Nothing but dates is changed.
"""
NEXT = "\nNext: `make run`, and import the trades of a strategy of your own (README.md)."
NOTHING_BETTER = "no challenger was better; every strategy keeps what it had"


def show(data: Path, out: TextIO) -> None:
    """Build the demo's own database anew in `data`/demo, run one tick to its end, tell it all."""
    with claimed(data, "demo"):
        _show(data / "demo", Narrator(out))


def _show(data: Path, narrator: Narrator) -> None:
    now = datetime.now(UTC)
    narrator.say(FIRST_SCREEN.format(weeks=weeks_moved(now)))
    shutil.rmtree(data, ignore_errors=True)
    with PostgresServer(data / "postgres", durable=False) as server:
        url = server.url()
        with closing(connect(url)) as opened:
            migrate(opened)
        with LocalStack(url, data, narrator.hear) as stack:
            narrator.say("Setting the stage: the bots' past trades, and the models of that time")
            Stage(url, BUCKET).set_up(demo_strategies(load_prices(now)), narrator.say)
            narrator.say("")
            stack.tick()
            stack.settle()
    conclude(narrator)


def conclude(narrator: Narrator) -> None:
    """Tell what came of it. Raises InternalError when a training did not come to its end."""
    narrator.say(narrator.tally.line())
    if narrator.tally.unfinished:
        raise InternalError("not every training came to its end: the lines above say why")
    if not narrator.tally.activated:
        narrator.say(NOTHING_BETTER)
    narrator.say(NEXT)
