"""The trades as a training would read them: the newest of each strategy, by the trainer's code."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg2.extensions import connection

from autoretrain.errors import DataError
from autoretrain.storage.database import TRAINER
from autoretrain.storage.trades import CopyReader
from autoretrain_local.doctor.findings import Finding, bad, good
from autoretrain_local.doctor.trial import trial, trial_of_ours
from autoretrain_trainer.features import refuse_exit_only, refuse_leaks, refuse_too_many
from autoretrain_trainer.rows import Trades, load_trades

NEWEST_TRADES = 1_000
MOST_STRATEGIES = 20
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Strategy:
    """`wanted` is how many trades a training wants, `allowed` the features that may look like a
    leak, `now` the database's time."""

    id: UUID
    name: str
    wanted: int
    allowed: Sequence[str]
    now: datetime


def look_at_trades(opened: connection) -> Iterator[Finding]:
    """A short look: some strategies, their newest trades, and no more than some seconds."""
    strategies, begun = _strategies(opened), time.monotonic()
    if not strategies:
        yield good(
            "trades",
            "no active strategy with training enabled",
            "add one to ai_strategies, or run `autoretrain import-trades`",
        )
    for number, strategy in enumerate(strategies):
        if number == MOST_STRATEGIES or time.monotonic() - begun > PATIENCE_SECONDS:
            yield good("trades", "more strategies were not looked at")
            return
        yield _strategy(opened, strategy)


def _strategies(opened: connection) -> Sequence[Strategy]:
    with trial(opened, TRAINER) as cursor:
        cursor.execute(
            "SELECT s.id, s.name, s.ml_min_trades_for_training,"
            " coalesce(t.allowed_features, '{}'), clock_timestamp()"
            " FROM autoretrain.strategies s"
            " LEFT JOIN autoretrain.strategy_training t ON t.strategy_id = s.id"
            " WHERE s.is_active AND s.ml_training_enabled ORDER BY s.name, s.id LIMIT %s",
            (MOST_STRATEGIES + 1,),
        )
        return [Strategy(*row) for row in cursor.fetchall()]


def _strategy(opened: connection, strategy: Strategy) -> Finding:
    try:
        trades = _read(opened, strategy)
        refuse_leaks(trades, strategy.allowed)
    except DataError as exc:
        return bad("trades", f"{strategy.name}: a training would fail ({exc.code})", str(exc))
    if len(trades) and not trades.features:
        return bad(
            "trades",
            f"{strategy.name}: {len(trades):,} closed trades, and no feature that is a number",
            "let the bot store what it knew at the decision in `features`: a flat JSON object",
        )
    return good("trades", f"{strategy.name}: {_told(trades, strategy.wanted)}")


def _read(opened: connection, strategy: Strategy) -> Trades:
    with trial_of_ours(opened, TRAINER) as tx:
        reader = CopyReader(tx, strategy.id, strategy.now, NEWEST_TRADES)
        features = reader.features()
        refuse_too_many(features)
        refuse_exit_only(features, strategy.allowed)
        return load_trades(reader, features, NEWEST_TRADES)


def _told(trades: Trades, wanted: int) -> str:
    bad_rows = sum(trades.dropped.values())
    dropped = ", ".join(f"{reason}: {count}" for reason, count in trades.dropped.items())
    share = bad_rows / max(1, len(trades) + bad_rows)
    return (
        f"{len(trades):,} usable closed trades (a training wants {wanted:,}), {share:.0%} left out"
        f"{f' ({dropped})' if dropped else ''}, {len(trades.features):,} features"
    )
