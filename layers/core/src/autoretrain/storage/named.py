"""SQL lives in .sql files: `-- name --`, a line that describes it, the statement."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_HEADER = re.compile(r"^-- (\w+) --$", re.MULTILINE)


@cache
def statement(name: str) -> str:
    """The statement of that name. Raises KeyError."""
    return _statements()[name]


@cache
def _statements() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(
        files("autoretrain.storage").joinpath("queries").iterdir(), key=lambda path: path.name
    ):
        parts = _HEADER.split(file.read_text(encoding="utf-8"))[1:]
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise KeyError(f"two statements are called {name}")
            found[name] = text.strip()
    return found
