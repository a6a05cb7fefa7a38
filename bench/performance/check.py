"""The condition check: of all strategies, of one, its read alone, and what a longer past costs."""

from __future__ import annotations

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

from autoretrain.services.check import Checker
from autoretrain.services.launch import Launcher
from autoretrain.storage.books import CheckBooks, LaunchBooks
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.connection import connect
from bench.performance.rows import Pair, row
from bench.performance.scene import Scene, ask
from bench.performance.timing import each, medians
from bench.performance.worlds import Market, strategy_ids

N_PLUS_1 = "one new connection and five statements per strategy, extrapolated"
LESS = 10
"""The past of the smaller market is that much shorter."""

# The five statements of a check that asks for one thing after the other.
_STRATEGY = """
SELECT ml_model_trained_at, id, name, is_active, ml_training_enabled, ml_min_trades_for_training,
    ml_model_version, ml_model_performance
FROM public.ai_strategies WHERE id = %(id)s
"""
_ALL = "SELECT count(*) FROM public.trades WHERE strategy_id = %(id)s AND closed_at IS NOT NULL"
_NEW = f"{_ALL} AND decided_at >= %(trained_at)s"
_NEWEST = """
SELECT pnl_pct FROM public.trades
WHERE strategy_id = %(id)s AND closed_at IS NOT NULL AND decided_at >= %(trained_at)s
ORDER BY decided_at DESC LIMIT 50
"""
_DECIDED = """
INSERT INTO autoretrain.retrain_decisions
    (strategy_id, decided_at, should_retrain, outcome, reason, conditions)
VALUES (%(id)s, now(), false, 'nothing_due', '', '[]')
"""
# By hand: one bounded scan of the newest trades gives every figure of the check.
_BY_HAND = """
SELECT s.id, s.user_id, s.name, s.is_active AND s.ml_training_enabled AND t.paused_reason IS NULL,
    s.ml_min_trades_for_training, t.new_trades_threshold, t.degradation_ratio,
    t.degradation_window, t.degradation_min_trades, t.degradation_rule, t.max_age_days,
    s.ml_model_version, s.ml_model_trained_at, s.ml_model_performance, t.trades_read_at,
    a.verdict -> 'calls', newest.*
FROM public.ai_strategies s
JOIN autoretrain.strategy_training t ON t.strategy_id = s.id
LEFT JOIN autoretrain.model_artifacts a ON a.strategy_id = s.id AND a.version = t.champion
CROSS JOIN LATERAL (
    SELECT count(*) AS total, count(*) FILTER (WHERE new) AS new,
        count(*) FILTER (WHERE new AND executed AND place <= 50) AS recent,
        count(*) FILTER (WHERE new AND executed AND place <= 50 AND pnl_pct > 0) AS wins,
        count(*) FILTER (WHERE new AND model_version = s.ml_model_version) AS predicted,
        count(*) FILTER (WHERE new AND model_version = s.ml_model_version
            AND (win_probability >= 0.5) = (pnl_pct > 0)) AS correct,
        avg(greatest(win_probability, 1 - win_probability))
            FILTER (WHERE new AND model_version = s.ml_model_version) AS confidence
    FROM (
        SELECT *, decided_at >= s.ml_model_trained_at AS new, row_number() OVER () AS place
        FROM (
            SELECT decided_at, pnl_pct, executed, model_version, win_probability
            FROM public.trades
            WHERE strategy_id = s.id AND closed_at <= now() AND closed_at >= decided_at
                AND abs(pnl_pct) < 'Infinity'
            ORDER BY decided_at DESC
            LIMIT s.ml_min_trades_for_training
        ) newest
    ) placed
) newest
WHERE s.id = ANY(%(ids)s::uuid[])
"""


class Cluster:
    """Takes every launch; nothing is started."""

    def launch(self, run_id: UUID, attempt: int) -> str:  # noqa: ARG002 -- the port's
        return f"arn:aws:ecs:task/{uuid4()}"


def checker(scene: Scene, url: str) -> Checker:
    """The product's own, on a warm connection of its own."""
    database = scene.opened(url)
    launcher = Launcher(LaunchBooks(database), Cluster(), max_concurrent_tasks=1_000_000)
    return Checker(CheckBooks(database), launcher, DatabaseClock(database))


def market(scene: Scene, shorter: int = 1) -> str:
    size = scene.sizes
    of = Market(size.strategies, size.trades // shorter)
    return scene.database(f"market_{of.trades}", of.fill)


@row(
    "check.200_per_event", "condition check of all strategies, 200 per event", "s", N_PLUS_1, 1 / 50
)
def _two_hundred(scene: Scene) -> Pair:
    ours, reference = _all_strategies(scene)
    return Pair(ours["many"], reference, _counted(scene))


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
        now = datetime.now(UTC)
        for batch in batches:
            books.snapshots(batch, now)

    def written() -> None:
        with by_hand.cursor() as cursor:
            for batch in batches:
                cursor.execute(_BY_HAND, {"ids": batch})
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
        CheckBooks(database).snapshots(batch, datetime.now(UTC))
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
            {"ours": each(calls, lambda: handler(event, None)), "one": each(calls, ask_for_one)},
        )
    return Pair(1e3 * taken["ours"] / calls, 1e3 * taken["one"] / calls)


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
    """Seconds for all strategies: ours by events of many and of one, and the reference."""
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
            "one": one_each,
            "reference": partial(_ask_five, url, sample),
        },
    )
    times = size.strategies / len(sample)
    return {"many": taken["many"], "one": taken["one"] * times}, taken["reference"] * times


def _check_all(scene: Scene, url: str) -> Callable[[], None]:
    made, slot, batches = checker(scene, url), datetime.now(UTC), list(_batches(scene, url))

    def check() -> None:
        for batch in batches:
            made.check(batch, slot)

    return check


def _ask_five(url: str, sample: Sequence[str]) -> None:
    for one in sample:
        with closing(psycopg2.connect(url)) as opened, opened, opened.cursor() as cursor:
            cursor.execute(_STRATEGY, {"id": one})
            (strategy,) = cursor.fetchall()
            for asked in (_ALL, _NEW, _NEWEST):
                cursor.execute(asked, {"id": one, "trained_at": strategy[0]})
                cursor.fetchall()
            cursor.execute(_DECIDED, {"id": one})


def _batches(scene: Scene, url: str) -> Iterator[list[UUID]]:
    ids = iter(map(UUID, strategy_ids(url)))
    while batch := list(islice(ids, scene.sizes.per_event)):
        yield batch


def _counted(scene: Scene) -> str:
    ((trades,),) = ask(market(scene), "SELECT count(*) FROM public.trades")
    return f"{scene.sizes.strategies:,} strategies, {trades:,} trades"
