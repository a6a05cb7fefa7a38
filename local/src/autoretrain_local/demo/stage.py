"""Sets the demo's stage: strategies, their trades, and the first versions that were trained then.

A first version is trained by the real trainer with its clock set back, on the trades that had
closed by then; later trades carry what it says of them, as a bot would have stored it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np
import pandas as pd
from psycopg2 import extras
from psycopg2.extensions import connection

from autoretrain.aws.artifacts import S3Artifacts
from autoretrain.domain.work import Claimed, ClaimRequest
from autoretrain.errors import InternalError
from autoretrain.services.train import Finished
from autoretrain.storage.checking import CheckBooks
from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, TRAINER, Database
from autoretrain.storage.dispatching import DispatchBooks
from autoretrain.storage.training import TrainBooks
from autoretrain_local.demo.strategies import DemoStrategy
from autoretrain_local.trade_row import FEATURE_PREFIX
from autoretrain_trainer.artifact import load_champion
from autoretrain_trainer.bootstrap import assemble
from autoretrain_trainer.rows import Trades, to_microseconds

USER = UUID(int=1)
_COLUMNS = (
    "id, strategy_id, symbol, side, decided_at, closed_at, pnl_pct, win, features,"
    " model_version, win_probability"
)


@dataclass(frozen=True, slots=True)
class SetBack:
    """A clock that stands still in the past; see `autoretrain.ports.Clock`."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class Stage:
    """Writes with the user's login, trains with the stack's roles."""

    database_url: str
    bucket: str

    def set_up(self, strategies: Iterable[DemoStrategy], say: Callable[[str], None]) -> None:
        for strategy in strategies:
            strategy_id = uuid5(NAMESPACE_OID, f"auto-retrain demo: {strategy.name}")
            with closing(connect(self.database_url)) as opened, opened:
                _insert_strategy(opened, strategy_id, strategy)
                _insert_trades(opened, strategy_id, _before_first(strategy), None, None)
            if strategy.first_trained_at is not None:
                say(f"  {strategy.name}: training v1 as of {strategy.first_trained_at:%Y-%m-%d} …")
                self._train_first(strategy_id, strategy, strategy.first_trained_at)

    def _train_first(self, strategy_id: UUID, strategy: DemoStrategy, at: datetime) -> None:
        with (
            closing(Database(lambda: connect(self.database_url), API)) as api,
            closing(Database(lambda: connect(self.database_url), TRAINER)) as database,
            closing(Database(lambda: connect(self.database_url), TRAINER)) as pulse,
        ):
            run_id = _claim(api, strategy_id)
            artifacts = S3Artifacts(self.bucket)
            trainer = assemble(database, pulse, artifacts, SetBack(at), lambda *_: None)
            *_, ended = trainer.work(run_id, None, threading.Event())
            if not isinstance(ended, Finished):
                why = getattr(ended, "message", "it went on training")
                raise InternalError(f"the demo's {strategy.name} could not be trained: {why}")
            self._insert_later_trades(TrainBooks(database), artifacts, ended, strategy)

    def _insert_later_trades(
        self, books: TrainBooks, artifacts: S3Artifacts, trained: Finished, strategy: DemoStrategy
    ) -> None:
        """Trades decided since, with what the model says of each where the bot reports that."""
        later = strategy.trades[strategy.trades["decided_at"] >= strategy.first_trained_at]
        champion = books.refresh(trained.assignment).champion
        version, probabilities = None, None
        if strategy.reports and champion is not None:
            version = champion.version
            probabilities = load_champion(champion, artifacts).predict(_as_trades(later)).tolist()
        with closing(connect(self.database_url)) as opened, opened:
            _insert_trades(opened, trained.assignment.strategy_id, later, version, probabilities)


def _before_first(strategy: DemoStrategy) -> pd.DataFrame:
    if strategy.first_trained_at is None:
        return strategy.trades
    return strategy.trades[strategy.trades["decided_at"] < strategy.first_trained_at]


def _insert_strategy(opened: connection, strategy_id: UUID, strategy: DemoStrategy) -> None:
    with opened.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.ai_strategies (id, user_id, name, ml_training_enabled)"
            " VALUES (%s, %s, %s, %s)",
            (strategy_id, USER, strategy.name, strategy.enabled),
        )


def _insert_trades(
    opened: connection,
    strategy_id: UUID,
    trades: pd.DataFrame,
    version: str | None,
    probabilities: list[float] | None,
) -> None:
    said: Sequence[float | None] = probabilities or [None] * len(trades)
    rows = [
        (
            trade["trade_id"],
            strategy_id,
            trade["symbol"],
            trade["side"],
            trade["decided_at"].to_pydatetime(),
            trade["closed_at"].to_pydatetime(),
            float(trade["pnl_pct"]),
            bool(trade["win"]),
            json.dumps(_features(trade)),
            version,
            probability,
        )
        for trade, probability in zip(trades.to_dict("records"), said, strict=True)
    ]
    with opened.cursor() as cursor:
        insert = f"INSERT INTO public.trades ({_COLUMNS}) VALUES %s"  # noqa: S608 -- a constant
        extras.execute_values(cursor, insert, rows)


def _features(trade: dict[Any, Any]) -> dict[str, float]:
    return {
        name.removeprefix(FEATURE_PREFIX): float(value)
        for name, value in trade.items()
        if name.startswith(FEATURE_PREFIX)
    }


def _claim(api: Database, strategy_id: UUID) -> UUID:
    DispatchBooks(api).enrol_strategies()
    reason = "initial training: the demo's past"
    claimed = CheckBooks(api).claim(ClaimRequest(strategy_id, USER, reason, None))
    if not isinstance(claimed, Claimed):
        raise InternalError(f"the demo's first version could not be queued: {claimed.line}")
    return claimed.run_id


def _as_trades(frame: pd.DataFrame) -> Trades:
    """The frame as the learner knows trades, in the frame's order."""
    names = tuple(column for column in frame.columns if column.startswith(FEATURE_PREFIX))
    symbols = tuple(sorted(frame["symbol"].unique()))
    return Trades(
        decided_at=_microseconds(frame["decided_at"]),
        closed_at=_microseconds(frame["closed_at"]),
        pnl_pct=frame["pnl_pct"].to_numpy(np.float64),
        win=frame["win"].to_numpy(np.bool_),
        executed=np.ones(len(frame), dtype=np.bool_),
        side=np.where(frame["side"] == "long", 1.0, -1.0),
        symbol=np.array([symbols.index(symbol) for symbol in frame["symbol"]], dtype=np.int64),
        win_probability=np.full(len(frame), np.nan),
        values=frame[list(names)].to_numpy(np.float64),
        features=tuple(name.removeprefix(FEATURE_PREFIX) for name in names),
        symbols=symbols,
        dropped={},
        data_hash="",
        as_of=frame["closed_at"].iloc[-1].to_pydatetime(),
    )


def _microseconds(times: pd.Series) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([to_microseconds(time.to_pydatetime()) for time in times], dtype=np.int64)
