"""The quickstart's export from PostgreSQL gives a file that import-trades takes."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from autoretrain.storage.connection import connect
from autoretrain_local.trade_file import read_trades
from tests.docs.reading import page
from tests.world import World

BOT = """
CREATE TABLE positions (
    id bigint, strategy text, pair text, direction text, opened_at timestamptz,
    exited_at timestamptz, profit numeric, rsi real, trend real
);
INSERT INTO positions VALUES
    (1, 'momentum', 'BTC', 'BUY', '2026-11-01 10:00+02', '2026-11-01 14:30+02', 0.008, 31.2, -0.4),
    (2, 'momentum', 'BTC', 'SELL', '2026-11-01 16:00+02', NULL, NULL, NULL, 0.1),
    (3, 'another', 'BTC', 'SELL', '2026-11-01 17:00+02', NULL, NULL, NULL, 0.1)
"""


def test_export_of_the_quickstart_is_read_as_trades(blank: str, tmp_path: Path) -> None:
    World(blank).run(BOT)
    exported = re.search(r"copy (\(SELECT .*\)) TO 'trades.csv' CSV", page("docs/quickstart.md"))
    assert exported is not None
    file = tmp_path / "trades.csv"
    with closing(connect(blank)) as opened, opened.cursor() as cursor, file.open("wb") as out:
        cursor.execute("SET timezone = 'America/New_York'")
        cursor.copy_expert(f"COPY {exported[1]} TO STDOUT CSV HEADER", out)

    read = read_trades(file, datetime(2026, 12, 1, tzinfo=UTC))

    assert (read.bad_rows, read.ignored_columns, read.features) == ([], [], ["rsi", "trend"])
    first, second = read.trades
    assert first.decided_at == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert (first.trade_id, first.pnl_pct, second.closed_at) == ("1", 0.8, None)
