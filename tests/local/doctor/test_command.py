"""`autoretrain doctor` on real databases, and how it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest

from autoretrain_client.cli import main
from autoretrain_local.doctor.examination import examine
from autoretrain_local.doctor.findings import bad, exit_code, good, unknown
from autoretrain_local.doctor.rendering import lines, summary
from tests.local.doctor.looks import traded, wrong
from tests.world import World


def test_doctor_finds_nothing_to_mend_on_tables_or_views(either: str) -> None:
    world = traded(World(either))
    before = world.one("SELECT * FROM ai_strategies")

    findings = list(examine(either))

    assert wrong(either) == []
    checks = [finding.check for finding in findings]
    assert checks == [
        "address", "connection", "encryption", "version", "clock", "tables", "tables", "tables",
        "strangers", "migrations", "indexes", "roles", "roles", "roles", "trades",
    ]  # fmt: skip
    assert "momentum: 200 usable closed trades (a training wants 100)" in findings[-1].found
    assert world.one("SELECT * FROM ai_strategies") == before
    assert world.run("SELECT * FROM ai_strategy_ml_models") == []


def test_doctor_looks_at_a_database_without_strategies(clone: str) -> None:
    assert wrong(clone) == []


def test_command_tells_every_finding_and_leaves_with_0(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--database-url", world.url]) == 0

    told = capsys.readouterr().out
    assert told.count("✓") == 15
    assert told.endswith("all good: 15 things looked at\n")


def test_command_leaves_with_1_where_something_is_to_be_mended(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.run("DROP INDEX trades_closed")

    assert main(["doctor", "--database-url", world.url, "--json"]) == 1

    told = json.loads(capsys.readouterr().out)
    (finding,) = (one for one in told["findings"] if one["state"] == "bad")
    assert (told["exit_code"], finding["check"]) == (1, "indexes")
    assert finding["todo"].startswith("CREATE INDEX")


def test_command_leaves_with_2_where_it_cannot_look_and_never_tells_the_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--database-url", "postgresql://me:hunter2@127.0.0.1:1/x"]) == 2

    told = capsys.readouterr()
    assert "? connection" in told.out
    assert "hunter2" not in told.out + told.err


def test_command_reads_the_address_from_a_secret(
    world: World, stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = boto3.client("secretsmanager").create_secret(
        Name="database", SecretString=json.dumps({"url": world.url})
    )

    arguments = ["--secret-arn", secret["ARN"], "--stack-name", stack]
    assert main(["doctor", *arguments]) == 0
    assert "✓ cluster" in capsys.readouterr().out


def test_command_looks_at_the_embedded_database_without_any_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--data", str(tmp_path)]) == 1
    assert "✗ migrations: none was applied" in capsys.readouterr().out


def test_what_is_wrong_counts_more_than_what_was_not_seen() -> None:
    fine, broken, hidden = good("a", "x"), bad("b", "x", "y"), unknown("c", "x", "y")

    assert exit_code([fine]) == 0
    assert exit_code([fine, hidden]) == 2
    assert exit_code([hidden, broken, fine]) == 1
    assert summary([hidden, broken, fine]) == "1 to mend, 1 not seen, 1 good"


def test_names_cannot_command_the_terminal() -> None:
    assert list(lines(bad("trades", "\x1b[2Jx", "do\nit"))) == ["✗ trades: �[2Jx", "    → do it"]
