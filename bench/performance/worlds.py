"""Fills databases with the user's world, in SQL: strategies, their models, millions of trades."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.performance.scene import ask, execute

USER = "00000000-0000-0000-0000-0000000000aa"
FEATURES = 20
AUTOVACUUM_SECONDS = 30.0

_STRATEGIES = """
INSERT INTO public.ai_strategies (id, user_id, name, ml_min_trades_for_training, ml_model_version,
    ml_model_trained_at, ml_model_performance)
SELECT md5('strategy ' || n)::uuid, %(user)s, 'strategy ' || n, 60, 'v1',
    now() - interval '1 day', '{"accuracy": 0.6, "win_rate": 0.55}'
FROM generate_series(1, %(strategies)s) n
"""
_BOOKS = (
    """
    INSERT INTO autoretrain.model_artifacts (strategy_id, version, run_id, artifact_key, sha256,
        manifest_sha256, judged_sha256, refit_disagrees, data_cutoff, rival, verdict,
        awaiting_approval, below_base_rate, created_at)
    SELECT id, 'v1', gen_random_uuid(), 'models/' || id, repeat('0', 64), repeat('0', 64),
        repeat('0', 64), false, ml_model_trained_at, 'base rate',
        '{"calls": [[5, 30, 18], [6, 30, 19]]}', false, false, ml_model_trained_at
    FROM public.ai_strategies
    """,
    """
    INSERT INTO autoretrain.strategy_training (strategy_id, champion, trades_read_at)
    SELECT id, 'v1', ml_model_trained_at FROM public.ai_strategies
    """,
    """
    INSERT INTO autoretrain.model_activations (strategy_id, version, activated_at, why)
    SELECT id, 'v1', ml_model_trained_at, 'if_better' FROM public.ai_strategies
    """,
)
# Some strategies are a hundred times as old as others; all have their minimum.
_HISTORY = """
INSERT INTO public.trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct)
SELECT id, 'BTC', 'long', at, at + interval '20 minutes', (k %% 9) - 4
FROM (
    SELECT id, ml_model_trained_at AS trained_at,
        60 + (%(trades)s * weight / sum(weight) OVER ())::integer AS trades
    FROM (
        SELECT *, exp(1.2 * sqrt(-2 * ln((place - 0.5) / %(strategies)s))
            * cos(2 * pi() * ((place * 0.61803399)::numeric %% 1)::float8)) AS weight
        FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM public.ai_strategies) placed
    ) weighed
) sized
CROSS JOIN LATERAL generate_series(1, trades) k
CROSS JOIN LATERAL (SELECT trained_at - k * interval '30 minutes' AS at) decided
"""
# 0 to 49 new trades, one below what makes a training due, called right as often as expected.
_NEW_TRADES = """
INSERT INTO public.trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct,
    model_version, win_probability)
SELECT id, 'BTC', 'long', at, at + interval '5 minutes', CASE WHEN k %% 5 < 3 THEN 1 ELSE -1 END,
    'v1', 0.6
FROM (
    SELECT id, ml_model_trained_at AS trained_at,
        CASE WHEN due THEN 60 ELSE place %% 50 END AS trades
    FROM (
        SELECT *, place %% %(due_every)s = 0 AS due
        FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM public.ai_strategies) placed
    ) marked
) sized
CROSS JOIN LATERAL generate_series(1, trades) k
CROSS JOIN LATERAL (SELECT trained_at + k * interval '15 minutes' AS at) decided
"""
NEVER_DUE = 2**31 - 1

# The outcome leans on two of the features, so that models find something; some values are missing.
_FEATURED = """
INSERT INTO public.trades (strategy_id, symbol, side, decided_at, closed_at, pnl_pct, features)
SELECT %(strategy)s, 'BTC', CASE WHEN k %% 2 = 0 THEN 'long' ELSE 'short' END, at,
    at + interval '20 minutes', x1 + 0.5 * x2 + random_normal(0, 2),
    jsonb_build_object('feature_01', x1, 'feature_02', x2, {others})
FROM generate_series(1, %(rows)s) k
CROSS JOIN LATERAL (
    SELECT round(random_normal()::numeric, 6) AS x1, round(random_normal()::numeric, 6) AS x2,
        now() - interval '1 day' - (%(rows)s - k) * interval '30 minutes' AS at
    WHERE k IS NOT NULL
) drawn
"""


@dataclass(frozen=True, slots=True)
class Market:
    """Strategies that have been trained a day ago, and all their trades without features."""

    strategies: int
    trades: int
    due_every: int = NEVER_DUE
    """Every so manieth strategy has new trades enough for a training."""

    def fill(self, url: str) -> None:
        """The history is vacuumed, as it would be by its age; the new trades only where the table
        itself asks for it."""
        values = {
            "user": USER,
            "strategies": self.strategies,
            # Each has 60 anyhow, and 25 new ones in the mean.
            "trades": self.trades - 85 * self.strategies,
            "due_every": self.due_every,
        }
        index = _trades_index(url)
        execute(url, "DROP INDEX public.trades_closed")
        # Nothing here reads trades by their id, and its index alone takes as long as all the rest.
        execute(url, "ALTER TABLE public.trades DROP CONSTRAINT trades_pkey")
        execute(url, "ALTER TABLE public.trades SET UNLOGGED")
        execute(url, _STRATEGIES, **values)
        execute(url, *_BOOKS)
        execute(url, _HISTORY, **values)
        execute(url, index, "VACUUM ANALYZE")
        execute(url, _NEW_TRADES, **values)
        execute(url, "ANALYZE public.trades")
        _await_autovacuum(url)


def strategy_ids(url: str) -> list[str]:
    return [str(found) for (found,) in ask(url, "SELECT id FROM public.ai_strategies ORDER BY id")]


def add_featured(url: str, name: str, rows: int) -> str:
    """A strategy that was never trained with so many trades of 20 features; returns its id."""
    others = ", ".join(
        f"'feature_{number:02}', round(random_normal()::numeric, 6)"
        for number in range(3, FEATURES + 1)
    )
    execute(
        url,
        "INSERT INTO public.ai_strategies (id, user_id, name)"
        " VALUES (md5(%(name)s)::uuid, %(user)s, %(name)s)",
        name=name,
        user=USER,
    )
    ((strategy,),) = ask(url, "SELECT md5(%(name)s)::uuid::text", name=name)
    execute(
        url,
        "INSERT INTO autoretrain.strategy_training (strategy_id) VALUES (%(strategy)s)",
        strategy=strategy,
    )
    execute(url, _FEATURED.replace("{others}", others), strategy=strategy, rows=rows)
    return str(strategy)


def _await_autovacuum(url: str) -> None:
    """Until nothing has been inserted since, or it has had its time."""
    waits = "SELECT n_ins_since_vacuum FROM pg_stat_user_tables WHERE relname = 'trades'"
    deadline = time.monotonic() + AUTOVACUUM_SECONDS
    while ask(url, waits) != [(0,)] and time.monotonic() < deadline:
        time.sleep(0.2)


def _trades_index(url: str) -> str:
    ((definition,),) = ask(url, "SELECT indexdef FROM pg_indexes WHERE indexname = 'trades_closed'")
    return str(definition)
