"""Owns what a benchmark says: on the screen as soon as it is known, and in a document on demand."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from autoretrain.errors import Invalid


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of one benchmark, told one by one."""

    lines: list[str] = field(default_factory=list)

    def tell(self, line: str = "") -> None:
        print(line, flush=True)
        self.lines.append(line)

    def write(self, document: Path, name: str) -> None:
        """Put the lines between the document's markers of that name. Raises Invalid without."""
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        text = document.read_text(encoding="utf-8")
        before, begun, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not (begun and ended):
            raise Invalid(f"{document} has no {begin} … {end} to write between")
        told = "\n".join(self.lines).strip()
        document.write_text(f"{before}{begin}\n\n{told}\n\n{end}{after}", encoding="utf-8")


def arguments(about: str) -> argparse.Namespace:
    """Of a benchmark over logs: the folders that hold them, `data`, and a document, `markdown`."""
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, action="append", help="folder of logs")
    parser.add_argument(
        "--markdown", type=Path, help="put the table between this document's markers"
    )
    return parser.parse_args()
