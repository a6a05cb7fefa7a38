"""What README and quickstart show works as it is shown, against the real command."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loop.conftest import environment, finished, started
from tests.loop.shown import ROOT, STAND_IN, Reader, blocks
from tests.loop.test_up import COMPLETE, write_trades
from tests.loop.test_up_api import shown

README = (ROOT / "README.md").read_text()
QUICKSTART = (ROOT / "docs/quickstart.md").read_text()
OWNER = "00000000-0000-0000-0000-000000000001"
PIP = f"'{sys.executable}' -m pip install --dry-run --no-deps --no-build-isolation"
RETRAIN_KEYS = {"should_retrain", "reason", "retrained", "model", "training_run"}
SCRIPTS = [block for page in (README, QUICKSTART) for block in blocks(page, "sh")]


def curls() -> list[str]:
    (block,) = blocks(README, "sh", "curl")
    return re.split(r"\n\n", block.strip())


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A stack with one strategy, as the reader has it in the present folder."""
    folder = tmp_path_factory.mktemp("readme")
    at_data = ("--data", folder / ".local")
    trades = write_trades(folder / "trades.csv", 200)
    with gzip.open(folder / "trades.csv.gz", "wt") as packed:
        packed.write(trades.read_text())
    imported = finished("import-trades", trades, "--strategy", "momentum", *at_data)
    strategy_id = re.search(r"created strategy momentum \((\S+)\)", imported.stdout)
    assert strategy_id is not None, imported
    with started("up", *at_data, "--port", "0") as stack:
        url, token = shown(stack.until(COMPLETE))
        yield Reader(folder, url, token, strategy_id[1])


def answer(reader: Reader, line: str) -> Any:
    ended = reader.shell(line)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("line", curls(), ids=lambda line: line.split("8001")[1].split()[0])
def test_curl_line_answers_as_documented(reader: Reader, line: str) -> None:
    told = answer(reader, line)

    if "/health" in line:
        assert told == {"ok": True, "version": told["version"], "problems": []}
    elif "-X" not in line:
        assert [strategy["id"] for strategy in told["items"]] == [reader.strategy_id]
    else:
        assert told.keys() >= RETRAIN_KEYS, told


def test_curl_line_says_the_same_to_a_machine_without_curl(reader: Reader) -> None:
    for line in curls():
        told = answer(reader, f"{STAND_IN}{line}")
        assert told.keys() & {"ok", "items", "should_retrain"}, told


def test_curl_line_that_waits_gets_the_finished_model(reader: Reader) -> None:
    (line,) = [line for line in curls() if "Prefer" in line]

    told = answer(reader, line)

    assert told["training_run"]["status"] == "succeeded"
    assert told["model"].keys() >= {"version", "accuracy", "improvement", "activated"}
    assert told["reason"] == "50+ new trades since last training"


@pytest.mark.parametrize(
    "script",
    [script for script in SCRIPTS if "curl" not in script],
    ids=lambda script: script.splitlines()[0][:40],
)
def test_every_other_command_works_as_shown(reader: Reader, script: str) -> None:
    ended = reader.shell(f"set -e\n{runnable(script, reader)}", said=database_of(reader))

    assert ended.returncode == 0, f"{script}{ended.stdout}{ended.stderr}"
    assert ended.stdout, script


def runnable(script: str, reader: Reader) -> str:
    """The script, with values for what every reader has others of.

    make is asked for what it would do, since what it does is what the other tests do; pip likewise.
    """
    for shown_there, here in {
        "make ": f"make --dry-run --directory '{ROOT}' ",
        "pip install '.": f"{PIP} '{ROOT}",
        "$(autoretrain tokens": "$(.venv/bin/autoretrain tokens",
        "YOUR-USER-ID": OWNER,
        "https://…": reader.url,
        "STRATEGY_ID=…": f"STRATEGY_ID={reader.strategy_id}",
        "read -rs": "read -r",  # a shell without a terminal has nothing to hide from
    }.items():
        script = script.replace(shown_there, here)
    return script


def database_of(reader: Reader) -> str:
    """What is typed where the script asks for the database's address."""
    kept = json.loads((reader.folder / ".local/stack.json").read_text())
    return f"{kept['database_url']}\n"


def test_bot_of_ten_lines_decides_with_the_active_model(reader: Reader, tmp_path: Path) -> None:
    (example,) = blocks(README, "python", "ActiveModel")
    bot = tmp_path / "bot.py"
    bot.write_text(example)
    signals = [
        {"features": {"edge": edge, "noise": 0.0}, "side": "long", "symbol": "BTC"}
        for edge in (2.0, -2.0)
    ]

    ended = subprocess.run(
        [sys.executable, bot],
        input="".join(f"{json.dumps(signal)}\n" for signal in signals),
        env=environment()
        | {
            "AUTORETRAIN_URL": reader.url,
            "AUTORETRAIN_TOKEN": reader.token,
            "STRATEGY_ID": reader.strategy_id,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    take, skip = (line.split() for line in ended.stdout.splitlines())
    assert (take[0], skip[0]) == ("take", "skip")
    assert float(take[1]) > float(skip[1])
    assert re.fullmatch(r"v\d+", take[2])
    assert take[3] == skip[3] == "model"
    assert len([line for line in example.splitlines() if line]) <= 10
