"""The condition check: of all strategies, of one, its read alone, and what a longer past costs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg2

from autoretrain.domain.conditions import decide
from autoretrain.services.check import Checker
from autoretrain.services.launch import Launcher
from autoretrain.storage.checking import CheckBooks, decision_row
from autoretrain.storage.connection import connect
from autoretrain.storage.launching import LaunchBooks
from autoretrain.storage.records import asked_records
from bench.performance.by_hand import ALL, BY_HAND, DECIDED, NEW, NEWEST, STRATEGY
from bench.performance.rows import Pair, figure, row
from bench.performance.scene import Scene, ask
from bench.performance.timing import each, medians
from bench.performance.worlds import Market, strategy_ids

N_PLUS_1 = "one new connection and five statements per strategy, extrapolated"
LESS = 10
"""The past of the smaller market is that much shorter."""


class Cluster:
    """Takes every launch; nothing is started."""

    def launch(self, run_id: UUID, attempt: int) -> str:  # noqa: ARG002 -- the port's
        return f"arn:aws:ecs:task/{uuid4()}"


def checker(scene: Scene, url: str) -> Checker:
    """The product's own, on a warm connection of its own."""
    database = scene.opened(url)
    launcher = Launcher(LaunchBooks(database), Cluster(), max_concurrent_tasks=1_000_000)
    return Checker(CheckBooks(database), launcher)


def market(scene: Scene, shorter: int = 1) -> str:
    size = scene.sizes
    of = Market(size.strategies, size.trades // shorter)
    return scene.database(f"market_{of.trades}", of.fill)


@row(
    "check.200_per_event", "condition check of all strategies, 200 per event", "s", N_PLUS_1, 1 / 50
)
def _two_hundred(scene: Scene) -> Pair:
    ours, reference = _all_strategies(scene)
    alone = f"its two statements alone: {figure(ours['statements'])} s"
    return Pair(ours["many"], reference, f"{_counted(scene)}; {alone}")


@row("check.1_per_event", "the same, one strategy per event, warm", "s", N_PLUS_1, 1 / 5)
def _one_each(scene: Scene) -> Pair:
    ours, reference = _all_strategies(scene)
    return Pair(ours["one"], reference, _counted(scene))


@row("check.read", "the check's read alone", "s", "one bounded index-only scan by hand", 1.3)
def _read(scene: Scene) -> Pair:
    url = market(scene)
    batches = list(_batches(scene, url))
    books, by_hand = CheckBooks(scene.opened(url)), connect(url)

    def ours() -> None:
        for batch in batches:
            books.snapshots(batch)

    def written() -> None:
        with by_hand.cursor() as cursor:
            for batch in batches:
                cursor.execute(BY_HAND, {"ids": batch})
                cursor.fetchall()
                by_hand.commit()

    with closing(by_hand):
        taken = medians(scene.sizes.rounds, {"ours": ours, "by hand": written})
    return Pair(taken["ours"], taken["by hand"])


@row("check.growth", "the same check with ten times the history", "s", "the shorter history", 1.7)
def _growth(scene: Scene) -> Pair:
    long, short = market(scene), market(scene, LESS)
    variants = {url: _check_all(scene, url) for url in (long, short)}
    taken = medians(scene.sizes.rounds, variants)
    return Pair(taken[long], taken[short])


@row("check.heap", "rows of its read that the index alone did not answer", "%", "limit", 0.9999)
def _heap(scene: Scene) -> Pair:
    """The new trades are vacuumed as far as the table asks autovacuum for it, and no further."""
    url, database = market(scene), scene.opened(market(scene))
    before = _index_use(url)
    for batch in _batches(scene, url):
        CheckBooks(database).snapshots(batch)
    database.close()  # a session hands its counts on when it ends
    fetched, read = (now - then for now, then in zip(_index_use(url), before, strict=True))
    return Pair(100 * fetched / read, 1.0, f"{read:,} rows read")


def _index_use(url: str) -> tuple[int, int]:
    ((fetched, read),) = ask(
        url,
        "SELECT idx_tup_fetch, idx_tup_read FROM pg_stat_user_indexes"
        " WHERE indexrelname = 'trades_closed'",
    )
    return fetched, read


@row("check.handler", "condition_check for one strategy, warm", "ms", "SELECT 1 round trip", 12)
def _handler(scene: Scene) -> Pair:
    url = market(scene)
    one, plain = strategy_ids(url)[scene.sizes.strategies // 2], connect(url)
    handler = lambda_handler(scene, url)
    plain.autocommit = True
    cursor = plain.cursor()
    event = {"strategy_ids": [one], "slot": datetime.now(UTC).isoformat()}
    calls = 20

    def ask_for_one() -> None:
        cursor.execute("SELECT 1")
        cursor.fetchone()

    with closing(plain):
        taken = medians(
            scene.sizes.rounds * 10,
            {
                "ours": each(calls, lambda: handler(event, None)),
                "statements": each(calls, _statements(scene, url, [[UUID(one)]])),
                "one": each(calls, ask_for_one),
            },
        )
    alone = f"its two statements alone: {figure(1e3 * taken['statements'] / calls)} ms"
    return Pair(1e3 * taken["ours"] / calls, 1e3 * taken["one"] / calls, alone)


def lambda_handler(scene: Scene, url: str) -> Callable[[Any, Any], Any]:
    """What AWS calls, with its log lines made and thrown away."""
    from functions.condition_check import app

    made, nowhere = checker(scene, url), Path(os.devnull)
    log: Any = app.logger.registered_handler
    log.setStream(scene.entered("nowhere", lambda: nowhere.open("w")))
    app.checker = lambda: made  # type: ignore[assignment]
    handler: Callable[[Any, Any], Any] = app.handler
    return handler


def _all_strategies(scene: Scene) -> tuple[dict[str, float], float]:
    """Seconds for all strategies: ours by events of many and of one, the statements of the former,
    and the reference."""
    return scene.once("check of all", partial(_measured, scene))


def _measured(scene: Scene) -> tuple[dict[str, float], float]:
    url, size = market(scene), scene.sizes
    sample = strategy_ids(url)[:: size.strategies // size.sampled][: size.sampled]
    made, slot = checker(scene, url), datetime.now(UTC)

    def one_each() -> None:
        for one in sample:
            made.check([UUID(one)], slot)

    taken = medians(
        size.rounds,
        {
            "many": _check_all(scene, url),
            "statements": _statements(scene, url, list(_batches(scene, url))),
            "one": one_each,
            "reference": partial(_ask_five, url, sample),
        },
    )
    times = size.strategies / len(sample)
    ours = {name: taken[name] for name in ("many", "statements")}
    return ours | {"one": taken["one"] * times}, taken["reference"] * times


def _check_all(scene: Scene, url: str) -> Callable[[], None]:
    made, slot, batches = checker(scene, url), datetime.now(UTC), list(_batches(scene, url))

    def check() -> None:
        for batch in batches:
            made.check(batch, slot)

    return check


def _statements(scene: Scene, url: str, batches: Sequence[Sequence[UUID]]) -> Callable[[], None]:
    """No more than a check asks of the database: what was decided before is stored again."""
    database, slot = scene.opened(url), datetime.now(UTC)
    prepared = []
    for batch in batches:
        decided = [decide(one, one.policy) for one in CheckBooks(database).snapshots(batch)]
        decisions = json.dumps([decision_row(decision) for decision in decided])
        prepared.append((asked_records(batch, None), decisions))

    def work() -> None:
        for asked, decisions in prepared:
            database.read("snapshots", **asked)
            database.once("store_decisions", decisions=decisions, slot=slot)

    return work


def _ask_five(url: str, sample: Sequence[str]) -> None:
    for one in sample:
        with closing(psycopg2.connect(url)) as opened, opened, opened.cursor() as cursor:
            cursor.execute(STRATEGY, {"id": one})
            (strategy,) = cursor.fetchall()
            for asked in (ALL, NEW, NEWEST):
                cursor.execute(asked, {"id": one, "trained_at": strategy[0]})
                cursor.fetchall()
            cursor.execute(DECIDED, {"id": one})


def _batches(scene: Scene, url: str) -> Iterator[list[UUID]]:
    ids = iter(map(UUID, strategy_ids(url)))
    while batch := list(islice(ids, scene.sizes.per_event)):
        yield batch


def _counted(scene: Scene) -> str:
    ((trades,),) = ask(market(scene), "SELECT count(*) FROM public.trades")
    return f"{scene.sizes.strategies:,} strategies, {trades:,} trades"
