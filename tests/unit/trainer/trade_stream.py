"""Trades as the tests write them, and fakes that hand them to the learner."""

from __future__ import annotations

import hashlib
import math
import random
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO
from uuid import UUID

from autoretrain.domain.models import Assignment, Challenger, Champion, StoredFile
from autoretrain_trainer.rows import Trades, load_trades, to_microseconds
from tests import fakes

HOUR = 3_600_000_000
START = to_microseconds(datetime(2026, 1, 1, tzinfo=UTC))
AS_OF = datetime(2027, 1, 1, tzinfo=UTC)
STRATEGY = UUID(int=1)


@dataclass(frozen=True, slots=True)
class Trade:
    """One stored trade; a feature that is absent from `features` is missing."""

    id: int
    decided_at: int
    closed_at: int
    pnl_pct: float
    features: Mapping[str, float]
    win: float = math.nan
    side: float = 1.0
    executed: float = math.nan
    symbol: str | None = "BTC"
    win_probability: float = math.nan


def binary_copy(
    trades: Sequence[Trade], features: Sequence[str], symbols: Sequence[str], extension: bytes = b""
) -> bytes:
    """PostgreSQL's binary COPY of the trades, header and trailer included."""
    parts = [b"PGCOPY\n\xff\r\n\0", struct.pack(">ii", 0, len(extension)), extension]
    for trade in trades:
        values = [trade.features.get(name, math.nan) for name in features]
        fields = [
            struct.pack(">q", trade.id),
            struct.pack(">q", trade.decided_at),
            struct.pack(">q", trade.closed_at),
            *(
                struct.pack(">d", value)
                for value in (trade.pnl_pct, trade.win, trade.side, trade.executed)
            ),
            struct.pack(">q", symbols.index(trade.symbol) if trade.symbol else -1),
            struct.pack(">d", trade.win_probability),
            *(struct.pack(">d", value) for value in values),
        ]
        parts.append(struct.pack(">h", len(fields)))
        parts += [struct.pack(">i", 8) + value for value in fields]
    return b"".join([*parts, struct.pack(">h", -1)])


@dataclass
class FakeReader:
    """A snapshot of trades that are all there is."""

    trades: Sequence[Trade]
    as_of: datetime = AS_OF
    chunk_bytes: int = 1000

    def features(self) -> list[str]:
        return list(dict.fromkeys(name for trade in self.trades for name in trade.features))

    def symbols(self) -> list[str]:
        return list(dict.fromkeys(trade.symbol for trade in self.trades if trade.symbol))

    def copy(self, features: Sequence[str], symbols: Sequence[str], sink: BinaryIO) -> None:
        stream = binary_copy(self.trades, features, symbols)
        for start in range(0, len(stream), self.chunk_bytes):
            sink.write(stream[start : start + self.chunk_bytes])


@dataclass
class FakeBooks:
    """The trades of every strategy, and the figures the learner asked about."""

    trades: Sequence[Trade]
    reused: int = 0
    asked: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    newest: int | None = None

    @contextmanager
    def read_trades(self, strategy_id: UUID, as_of: datetime, newest: int) -> Iterator[FakeReader]:
        self.newest = newest
        yield FakeReader(self.trades[-newest:], as_of)

    def reused_rows(self, strategy_id: UUID, rival: str, since: datetime, until: datetime) -> int:
        self.asked.append((rival, since, until))
        return self.reused


@dataclass
class FakeArtifacts(fakes.FakeArtifacts):
    """Models and memories as one training leaves them to the next."""

    def keep(self, memories: bytes | None, key: str = "memories.json") -> StoredFile:
        """Keep what one training leaves to the next."""
        assert memories is not None
        self.files[key] = memories
        return StoredFile(key, hashlib.sha256(memories).hexdigest())

    def store(self, challenger: Challenger, version: str = "v1") -> Champion:
        """Keep a challenger's artifact and make it the champion."""
        served = challenger.served
        self.files[f"models/{version}/model.txt"] = served.model_text
        self.files[f"models/{version}/manifest.json"] = served.manifest_text
        return Champion(
            version=version,
            artifact_key=f"models/{version}",
            sha256=served.sha256,
            manifest_sha256=served.manifest_sha256,
            data_cutoff=challenger.data_cutoff,
            created_at=AS_OF,
        )


@dataclass
class Reports:
    """Remembers the phases, and ends the training where it is told to."""

    stop_at: str | None = None
    heard: list[tuple[str, int, int]] = field(default_factory=list)

    def __call__(self, phase: str, round: int = 0, rounds: int = 0) -> None:
        self.heard.append((phase, round, rounds))
        if phase == self.stop_at and round:
            raise Stopped

    def phases(self) -> list[str]:
        return list(dict.fromkeys(phase for phase, _, _ in self.heard))


class Stopped(Exception):
    """What a report raises to end the training."""


def assignment(
    champion: Champion | None = None,
    min_trades: int = 100,
    feature_weights: Mapping[str, float] | None = None,
    allowed_features: tuple[str, ...] = (),
    manual: bool = False,
    force: bool = False,
    last_fingerprint: str | None = None,
    memories: StoredFile | None = None,
) -> Assignment:
    return Assignment(
        run_id=UUID(int=2),
        strategy_id=STRATEGY,
        user_id=UUID(int=3),
        strategy_name="Breakout",
        reason="new_trades",
        fence=1,
        attempt=1,
        manual=manual,
        force=force,
        min_trades=min_trades,
        feature_weights=feature_weights or {},
        allowed_features=allowed_features,
        champion=champion,
        last_fingerprint=last_fingerprint,
        memories=memories,
    )


def market(rows: int, signal: float = 1.0, seed: int = 1, first: int = 0) -> list[Trade]:
    """Overlapping trades, one decided per hour; `rsi` leans on the outcome by `signal`."""
    chance = random.Random(seed)
    trades = []
    for number in range(first, first + rows):
        rsi, volume, adx = (chance.gauss(0, 1) for _ in range(3))
        won = chance.random() < 1 / (1 + math.exp(-2 * signal * rsi))
        decided = START + number * HOUR
        trades.append(
            Trade(
                id=number,
                decided_at=decided,
                closed_at=decided + chance.randint(1, 8) * HOUR,
                pnl_pct=1.5 if won else -1.0,
                features={"rsi": rsi, "volume": volume, "adx": adx},
                side=chance.choice([1.0, -1.0]),
                symbol=chance.choice(["BTC", "ETH"]),
            )
        )
    return trades


def loaded(trades: Sequence[Trade], newest: int = 20_000, as_of: datetime = AS_OF) -> Trades:
    reader = FakeReader(trades, as_of)
    return load_trades(reader, reader.features(), newest)


def moment(microseconds: int) -> datetime:
    return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
