"""What pages show, and somebody who reads them beside a running stack."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.loop.conftest import environment

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("autoretrain")
STAND_IN = f"""curl() {{ '{sys.executable}' '{Path(__file__).with_name("plain_curl.py")}' "$@"; }}
"""


@dataclass
class Reader:
    """Types what a page shows into a shell, in a folder whose `.local` is the stack's."""

    folder: Path
    url: str
    token: str
    strategy_id: str = "uuid"

    def shell(
        self, script: str, said: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """`said` is what is typed into questions; ends at the first line that fails."""
        script = script.replace("localhost:8001", self.url.removeprefix("http://"))
        script = script.replace("uuid", self.strategy_id)
        script = script.replace(".venv/bin/autoretrain", str(COMMAND))
        stand_in = "" if shutil.which("curl") else STAND_IN
        return subprocess.run(
            ["sh", "-c", f"{stand_in}{script}"],
            cwd=self.folder,
            env=environment()
            | {"AUTORETRAIN_URL": self.url, "AUTORETRAIN_TOKEN": self.token}
            | variables,
            input=said,
            capture_output=True,
            text=True,
            check=False,
        )


def blocks(page: str, language: str, holding: str = "") -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    return [block for block in found if holding in block]


def sections(page: str) -> dict[str, tuple[str, str]]:
    """By title, the command of every section that shows what the command says, and that."""
    found = {}
    for section in page.split("\n### ")[1:]:
        command, said = blocks(section, "sh"), blocks(section, "text")
        if said:
            found[section.splitlines()[0]] = command[0], said[0]
    return found
