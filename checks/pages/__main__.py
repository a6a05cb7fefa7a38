"""Which section of which page says what; `python -m checks.pages` writes them all anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from checks.pages import commands, contract, settings

ROOT = Path(__file__).parents[2]


class Section(NamedTuple):
    """What stands between a page's two markers of that name."""

    page: str
    name: str
    write: Callable[[], str]


SECTIONS = (
    Section("README.md", "routes", contract.routes),
    Section("README.md", "settings", settings.table),
    Section("docs/conditions.md", "settings", settings.table),
    Section("docs/command.md", "help", commands.helps),
    Section("docs/api-reference.md", "operations", contract.operations),
    Section("docs/api-reference.md", "shapes", contract.shapes),
)


def renewed(text: str, section: Section) -> str:
    """The page's text with the section as it has to be. Raises ValueError without its markers."""
    begin, end = f"<!-- {section.name}: written by make pages -->", f"<!-- /{section.name} -->"
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"{section.page} has no {begin} … {end} to write between")
    return f"{before}{begin}\n\n{section.write().strip()}\n\n{end}{after}"


def main() -> None:
    for section in SECTIONS:
        page = ROOT / section.page
        page.write_text(renewed(page.read_text(encoding="utf-8"), section), encoding="utf-8")


if __name__ == "__main__":
    main()
