"""The page on the command says what the doctor looks at."""

from __future__ import annotations

import re
from pathlib import Path

from autoretrain_local import doctor

ROOT = Path(__file__).parents[2]


def test_command_page_names_every_check() -> None:
    source = "".join(path.read_text() for path in Path(doctor.__path__[0]).glob("*.py"))
    made = re.findall(r'(?:good|bad|unknown|_refused)\(\s*"([a-z ]+)"', source)
    page = (ROOT / "docs/command.md").read_text()
    table = page[page.index("| check |") :].split("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]

    assert {name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)} == set(made)
