"""The page on the command says what the doctor looks at."""

from __future__ import annotations

import re
from pathlib import Path

from autoretrain_local import doctor
from tests.docs.reading import names, page, rows


def test_command_page_names_every_check() -> None:
    source = "".join(path.read_text() for path in Path(doctor.__path__[0]).glob("*.py"))
    made = re.findall(r'(?:good|bad|unknown|_refused)\(\s*"([a-z ]+)"', source)
    table = rows(page("docs/command.md"), "check")

    assert {name for checks, _ in table for name in names(checks)} == set(made)
