"""Trade logs as the tests of the replay write them: a made-up market, and files of it."""

from __future__ import annotations

import csv
import gzip
import io
import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from autoretrain_local.replay.log import Log, logs_of
from autoretrain_local.trade_file import read_trades

Row = dict[str, str]
START = datetime(2024, 1, 1, tzinfo=UTC)


def stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def market(
    trades: int = 420,
    seed: int = 1,
    strategy: str = "swing",
    every_hours: float = 1.0,
    flip_at: int | None = None,
) -> list[Row]:
    """Overlapping trades, some decided together; `f_rsi` leans on the outcome, the other way round
    from `flip_at` on. Some values are missing, and some trades never close."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for number in range(trades):
        rsi, noise = chance.gauss(0, 1), chance.gauss(0, 1)
        lean = -2.5 if flip_at is not None and number >= flip_at else 2.5
        won = chance.random() < 1 / (1 + math.exp(-lean * rsi))
        # Two in a row share their hour now and then.
        decided = START + timedelta(hours=every_hours * (number - number % 7 % 2))
        closed = decided + timedelta(hours=chance.randint(1, 9))
        is_open = chance.random() < 0.03
        pnl_pct = chance.uniform(0.5, 2.0) * (1 if won else -1)
        rows.append(
            {
                "trade_id": f"{strategy}-{number:05}",
                "strategy": strategy,
                "symbol": chance.choice(["BTC", "ETH"]),
                "side": chance.choice(["long", "short"]),
                "decided_at": stamp(decided),
                "closed_at": "" if is_open else stamp(closed),
                "entry": "100.5",
                "exit_reason": "time",
                "f_rsi": "" if chance.random() < 0.05 else f"{rsi:.6f}",
                "f_noise": f"{noise:.6f}",
                "pnl_pct": "" if is_open else f"{pnl_pct:.4f}",
                "pnl": "1",
                "win": "" if is_open else str(int(won)),
            }
        )
    return rows


def text(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def written(rows: Sequence[Row], file: Path) -> Path:
    content = text(rows).encode()
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


def log_of(rows: Sequence[Row], folder: Path, strategy: str = "swing") -> Log:
    read = read_trades(written(rows, folder / "log.csv"), None)
    assert not read.bad_rows
    return logs_of(read.trades, read.features)[strategy]


def changed(row: Row, **cells: Any) -> Row:
    return row | {name: str(cell) for name, cell in cells.items()}
