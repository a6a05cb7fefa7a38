from __future__ import annotations

import re
from pathlib import Path

import pytest

from autoretrain_local.postgres import PostgresServer
from tests.loop.conftest import finished
from tests.world import World


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(folder: Path) -> str:
    ended = finished("demo", "--data", folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def block(told: str, strategy: str) -> str:
    """The lines on one strategy, from its title to the next title."""
    found = re.search(
        rf"^(?:✅|➖|⏭️).*{re.escape(strategy)} \([0-9a-f-]{{36}}\)\n(?:  .*\n)+", told, re.MULTILINE
    )
    assert found is not None, f"nothing on {strategy} in\n{told}"
    return found[0]


def test_demo_says_what_it_trades_on_its_first_screen(told: str) -> None:
    first_screen = told.split("🔄")[0]

    assert "index prices, simulated fills" in first_screen
    assert re.search(r"moved forward by \d+ weeks", first_screen)


def test_demo_tells_the_lines_that_users_know(told: str) -> None:
    assert "🔄 Auto-retrain check started\nChecking 6 strategy(ies) for auto-retraining\n" in told
    assert re.search(
        r"^🔄 Auto-retrain check complete: 5 retrained, 1 skipped \(\d activated, \d kept\)$",
        told,
        re.MULTILINE,
    )
    for key in ("model_version: v2", "accuracy: ", "improvement: ", "decided by: log-loss "):
        assert f"\n  {key}" in told


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        ("MACD cross", "initial training: 100+ trades, no model yet"),
        ("RSI reversion", "50+ new trades since last training"),
        ("RSI dip buyer", "performance degradation: win rate "),
        ("Pullback", "weekly schedule: last training "),
        ("Breakout", "initial training: 100+ trades, no model yet"),
        ("RSI-14 30/70", "too few trades: "),
    ],
)
def test_demo_gives_every_strategy_its_reason(told: str, strategy: str, reason: str) -> None:
    assert f"\n  reason: {reason}" in block(told, strategy)


def test_demo_shows_every_outcome(told: str) -> None:
    assert told.count("✅ Auto-retrained strategy: ") >= 1
    assert told.count("➖ Auto-retrained strategy, kept ") >= 1
    assert told.count("⏭️  Skipped strategy: ") >= 1
    assert "disabled" not in told
    assert "5 of 20 trades that neither model has seen" in block(told, "Pullback")
    assert "(base rate)" in block(told, "Breakout")


def test_demo_prints_what_the_readme_shows(told: str) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    shown = readme.split("```text\n")[1].split("```")[0].splitlines()
    printed = {_shape(line) for line in told.splitlines()}

    for line in shown:
        assert line.strip() == "…" or _shape(line) in printed, line


def _shape(line: str) -> str:
    """The line without what depends on the day, the machine's arithmetic, or ids."""
    return re.sub(r"\d+(?:\.\d+)?", "#", re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", line))


def test_demo_tells_every_line_of_a_training(told: str) -> None:
    assert re.fullmatch(
        r"✅ Auto-retrained strategy: MACD cross \([0-9a-f-]{36}\)\n"
        r"  reason: initial training: 100\+ trades, no model yet\n"
        r"  model_version: v1\n"
        r"  accuracy: 0\.\d\d\n"
        r"  improvement: [+-]0\.\d\d\n"
        r"  decided by: log-loss 0\.\d{3} \(base rate\) → 0\.\d{3} on \d+ trades,"
        r" P\(better\) [01]\.\d\d\n",
        block(told, "MACD cross"),
    )


def test_demo_stores_with_later_trades_what_the_model_said_of_them(told: str, folder: Path) -> None:
    with PostgresServer(folder / "demo" / "postgres", durable=False) as server:
        rows = World(server.url()).run(
            "SELECT s.name, count(*) AS trades, min(t.win_probability) AS least,"
            " max(t.win_probability) AS most FROM trades t JOIN ai_strategies s"
            " ON s.id = t.strategy_id WHERE t.model_version = 'v1' GROUP BY s.name"
        )

    said = {row.name: row for row in rows}
    assert set(said) == {"RSI reversion", "Pullback"}  # the dip buyer's bot does not report
    assert (said["RSI reversion"].trades, said["Pullback"].trades) == (109, 5)
    assert 0 < said["RSI reversion"].least < said["RSI reversion"].most < 1
