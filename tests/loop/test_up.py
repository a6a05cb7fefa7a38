from __future__ import annotations

import csv
import json
import os
import re
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.loop.conftest import finished, started
from tests.world import World

ANY_PORT = ("--port", "0")
COMPLETE = "Auto-retrain check complete"
COLUMNS = "trade_id,symbol,side,decided_at,closed_at,pnl_pct,win,f_edge,f_noise"


def write_trades(file: Path, count: int, first: int = 0) -> Path:
    """A strategy with a real edge: trades win when `edge` is high, with noise."""
    rng = np.random.default_rng(11)
    values = rng.normal(size=(first + count, 2))[first:]
    wins = values[:, 0] + 0.7 * rng.normal(size=first + count)[first:] > 0
    begin = datetime.now(UTC) - timedelta(days=20) + timedelta(minutes=30 * first)
    with file.open("w", newline="") as opened:
        opened.write(f"{COLUMNS}\n")
        rows = csv.writer(opened)
        for n, (value, win) in enumerate(zip(values, wins, strict=True)):
            decided = begin + timedelta(minutes=30 * n)
            times = decided.isoformat(), (decided + timedelta(minutes=10)).isoformat()
            pnl = 1.0 if win else -1.0
            rows.writerow([first + n, "BTC", "long", *times, pnl, int(win), *value])
    return file


def test_stack_survives_kill_9_and_leaves_nothing_behind_at_ctrl_c(tmp_path: Path) -> None:
    data = tmp_path / "data"
    at_data = ("--data", data)
    early, late = write_trades(tmp_path / "a.csv", 200), write_trades(tmp_path / "b.csv", 200, 200)
    imported = finished("import-trades", early, "--strategy", "edge", *at_data)
    assert (imported.returncode, "200 new" in imported.stdout) == (0, True), imported.stderr

    with started("up", *at_data, *ANY_PORT) as stack:
        told = stack.until(COMPLETE)
        assert "✅ Auto-retrained strategy: edge" in told
        assert "model_version: v1" in told
        assert "1 retrained, 0 skipped (1 activated, 0 kept)" in told
        assert stack.stop(signal.SIGKILL) == -signal.SIGKILL

    with started("up", *at_data, *ANY_PORT) as stack:
        assert "0 retrained, 1 skipped" in stack.until(COMPLETE)
        more = finished("import-trades", late, "--strategy", "edge", *at_data)
        assert "200 new" in more.stdout, more.stderr
        world = World(json.loads((data / "stack.json").read_text())["database_url"])
        # The late trades are older than the training: let it have been before them.
        world.run("UPDATE ai_strategies SET ml_model_trained_at = now() - interval '16 days'")
        world.run("UPDATE autoretrain.training_runs SET slot = slot - interval '1 hour'")
        assert stack.stop(signal.SIGINT) == 0
    assert not (data / "stack.json").exists()

    with started("up", *at_data, *ANY_PORT) as stack:
        told = stack.until(COMPLETE)
        assert "reason: 50+ new trades since last training" in told
        assert re.search(r"decided by: log-loss 0\.\d+ → 0\.\d+ on 100 trades", told)
        assert stack.stop(signal.SIGTERM) == 0


def test_second_stack_in_the_same_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with started("up", *ANY_PORT, "--data", tmp_path) as stack:
        stack.until(COMPLETE)
        second = finished("up", "--data", tmp_path)
        assert second.returncode != 0
        assert second.stderr.count("\n") == 1
        assert stack.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("command", [("up", *ANY_PORT), ("migrate",)])
def test_unreachable_database_is_one_line_and_a_non_zero_exit(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    url = "postgresql://me:hunter2@127.0.0.1:1/nowhere"

    ended = finished(*command, "--database-url", url, "--data", tmp_path)

    assert ended.returncode == 75
    assert ended.stderr.startswith("error: the database does not let us in or does not answer")
    assert ended.stderr.count("\n") == 1
    assert "hunter2" not in ended.stderr


def test_stack_works_on_a_database_of_the_users_own(tmp_path: Path, blank: str) -> None:
    trades = write_trades(tmp_path / "a.csv", 150)
    finished("import-trades", trades, "--strategy", "edge", "--database-url", blank)

    with started("up", *ANY_PORT, "--data", tmp_path, "--database-url", blank) as stack:
        told = stack.until(COMPLETE)
        assert "1 retrained" in told
        assert re.search(rf"^database: localhost:\d+/{blank.rpartition('/')[2]} \(from ", told)
        assert f"models are kept in {tmp_path}, everything else in the database." in told
        assert stack.stop(signal.SIGINT) == 0

    assert World(blank).one("SELECT ml_model_version AS v FROM ai_strategies").v == "v1"
    assert os.listdir(tmp_path / "aws")
