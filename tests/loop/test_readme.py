"""What the README shows works as it is shown: against the real command, copied from the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.loop.conftest import Command, environment, finished, started
from tests.loop.test_up import COMPLETE, write_trades
from tests.loop.test_up_api import shown

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMAND = Path(sys.executable).with_name("autoretrain")
STAND_IN = f"""curl() {{ '{sys.executable}' '{Path(__file__).with_name("plain_curl.py")}' "$@"; }}
"""
RETRAIN_KEYS = {"should_retrain", "reason", "retrained", "model", "training_run"}


def blocks(language: str, holding: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return [block for block in found if holding in block]


def curls() -> list[str]:
    (block,) = blocks("sh", "curl")
    return re.split(r"\n\n", block.strip())


@dataclass
class Shown:
    """A stack with one strategy, as the README's reader has it in the present folder."""

    stack: Command
    folder: Path
    url: str
    token: str
    strategy_id: str

    def shell(self, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        port = self.url.rpartition(":")[2]
        line = line.replace("localhost:8001", f"localhost:{port}")
        line = line.replace("uuid", self.strategy_id).replace(".venv/bin/autoretrain", str(COMMAND))
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=environment() | {"AUTORETRAIN_URL": self.url} | variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("readme")
    at_data = ("--data", folder / ".local")
    trades = write_trades(folder / "trades.csv", 200)
    imported = finished("import-trades", trades, "--strategy", "momentum", *at_data)
    strategy_id = re.search(r"created strategy momentum \((\S+)\)", imported.stdout)
    assert strategy_id is not None, imported
    with started("up", *at_data, "--port", "0") as stack:
        url, token = shown(stack.until(COMPLETE))
        yield Shown(stack, folder, url, token, strategy_id[1])


def answer(reader: Shown, line: str) -> Any:
    if shutil.which("curl") is None:
        line = f"{STAND_IN}{line}"
    ended = reader.shell(line)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("line", curls(), ids=lambda line: line.split("8001")[1].split()[0])
def test_curl_line_answers_as_documented(reader: Shown, line: str) -> None:
    told = answer(reader, line)

    if "/health" in line:
        assert told == {"ok": True, "version": told["version"], "problems": []}
    else:
        assert told.keys() >= RETRAIN_KEYS, told


def test_curl_line_says_the_same_to_a_machine_without_curl(reader: Shown) -> None:
    for line in curls():
        told = answer(reader, f"{STAND_IN}{line}")
        assert told.keys() & {"ok", "should_retrain"}, told


def test_curl_line_that_waits_gets_the_finished_model(reader: Shown) -> None:
    (line,) = [line for line in curls() if "Prefer" in line]

    told = answer(reader, line)

    assert told["training_run"]["status"] == "succeeded"
    assert told["model"].keys() >= {"version", "accuracy", "improvement", "activated"}
    assert told["reason"] == "50+ new trades since last training"


def test_commands_work_as_shown(reader: Shown) -> None:
    (block,) = blocks("sh", "autoretrain strategies")
    export, *lines = block.splitlines()

    for line in lines:
        ended = reader.shell(f"{export}; {line}")
        assert ended.returncode == 0, f"{line}: {ended.stderr}"
        assert ended.stdout, line


def test_bot_of_at_most_thirty_lines_decides_with_the_active_model(
    reader: Shown, tmp_path: Path
) -> None:
    (example,) = blocks("python", "ActiveModel")
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
    assert len(example.splitlines()) <= 30
