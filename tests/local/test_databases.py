"""Which database a command works on, and how it gets its schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autoretrain.errors import OperatorError
from autoretrain_client.cli import main
from autoretrain_local.databases import database
from tests.local.trade_files import APPLIED, CLOSED, csv_file, told
from tests.world import World


def test_migrate_says_what_it_applied_and_then_that_there_is_nothing_to_do(
    blank: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", "--database-url", blank]) == 0
    assert capsys.readouterr().out.splitlines() == APPLIED
    assert main(["migrate", "--database-url", blank]) == 0
    assert capsys.readouterr().out == "nothing to do: the schema is up to date\n"


def test_migrate_shows_a_warning_with_its_sql(
    clone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    World(clone).run("DROP INDEX public.trades_closed")
    assert main(["migrate", "--database-url", clone]) == 0
    told = capsys.readouterr().err
    assert told.startswith("warning: public.trades has no index")
    assert "CREATE INDEX" in told


def test_database_is_the_embedded_one_when_none_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = csv_file(tmp_path / "trades.csv", CLOSED), str(tmp_path / "data")
    assert main(["migrate", "--data", data]) == 0
    assert main(["import-trades", str(file), "--strategy", "x", "--data", data]) == 0
    assert main(["import-trades", str(file), "--strategy", "x", "--data", data]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(APPLIED)] == APPLIED
    assert lines[-1] == told(0, 0, 0, 1).strip()


def announce(data: Path, pid: int, url: str) -> None:
    (data / "stack.json").write_text(json.dumps({"pid": pid, "database_url": url}))


def test_database_is_the_running_stacks_unless_another_is_named(tmp_path: Path) -> None:
    announce(tmp_path, os.getpid(), "postgresql://stack")
    with database(None, tmp_path) as url:
        assert url == "postgresql://stack"
    with database("postgresql://named", tmp_path) as url:
        assert url == "postgresql://named"
    assert not (tmp_path / "postgres").exists()


def test_database_is_the_embedded_one_when_the_stack_has_died(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    announce(tmp_path, gone.pid, "postgresql://stack")
    with database(None, tmp_path) as url:
        assert World(url).one("SELECT current_database() AS name").name == "autoretrain"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": "x", "database_url": "y"}'])
def test_stack_file_that_cannot_be_read_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(content)
    with (
        pytest.raises(OperatorError, match=r"stack\.json cannot be read"),
        database(None, tmp_path),
    ):
        pass
