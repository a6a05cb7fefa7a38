"""Trades as a person brings them in a file, and what the import says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from autoretrain.storage.migrate import migrations
from tests.world import World

APPLIED = [f"applied {name}" for name, _ in migrations()]
"""What the first command on a new database says."""

LOCAL_USER = UUID("00000000-0000-0000-0000-000000000001")
COLUMNS = ["trade_id", "symbol", "side", "decided_at", "closed_at", "pnl_pct", "f_rsi"]
CLOSED = ["A1", "BTC", "long", "2024-01-01T10:00:00Z", "2024-01-01T12:00:00Z", "1.5", "30"]
OPEN = ["A2", "BTC", "short", "2024-01-02T10:00:00Z", "", "", ""]
CLOSED_SINCE = ["A2", "BTC", "short", "2024-01-02T10:00:00Z", "2024-01-03T00:00:00Z", "-2", "99"]
KEPT = "trades differ from what is stored and were kept: import again with --replace to write them"
Import = Callable[..., int]


def csv_file(path: Path, *rows: Sequence[str]) -> Path:
    path.write_text("".join(",".join(cells) + "\n" for cells in (COLUMNS, *rows)))
    return path


def told(new: int, updated: int, different: int, unchanged: int) -> str:
    total = new + updated + different + unchanged
    if unchanged == total:
        return f"nothing new: every trade of the file is there already ({total})\n"
    return (
        f"imported {new + updated} of {total} trades ({new} new, {updated} updated,"
        f" {different} different, {unchanged} unchanged)\n"
    )


def trades(url: str) -> list[Any]:
    return World(url).run("SELECT * FROM public.trades ORDER BY decided_at, id")
