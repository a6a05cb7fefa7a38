"""Writes one version into everything that has one: python checks/stamp.py 0.2.0"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSION = re.compile(r"\d+\.\d+\.\d+")

PYPROJECT = r'(?m)^(version = ")[^"]+(")'
PACKAGE = r'(?m)((?:^  |"name": "auto-retrain-console",\n +)"version": ")[^"]+(")'
PLACES = {
    "layers/core/pyproject.toml": PYPROJECT,
    "functions/trainer/pyproject.toml": PYPROJECT,
    "client/pyproject.toml": PYPROJECT,
    "local/pyproject.toml": PYPROJECT,
    "console/package.json": PACKAGE,
    "console/package-lock.json": PACKAGE,
    "functions/api/openapi.json": r'(?m)^(    "version": ")[^"]+(")',
}
"""Each file, and the version in it, with what stands on either side."""


def stamp(version: str) -> None:
    """Raises SystemExit where it is no version, or a file has no place for it."""
    if not VERSION.fullmatch(version):
        raise SystemExit(f"{version!r} is no version: give three numbers, like 0.2.0")
    for name, place in PLACES.items():
        file = ROOT / name
        text, found = re.subn(place, rf"\g<1>{version}\g<2>", file.read_text(encoding="utf-8"))
        if not found:
            raise SystemExit(f"{name} has no version to replace")
        file.write_text(text, encoding="utf-8")
    changelog = ROOT / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    changelog.write_text(released(text, version, f"{datetime.now(UTC):%Y-%m-%d}"), encoding="utf-8")


def stamped() -> dict[str, set[str]]:
    """The versions in each file."""
    return {
        name: {found.group(0)[len(found[1]) : -len(found[2])] for found in re.finditer(place, text)}
        for name, place in PLACES.items()
        for text in [(ROOT / name).read_text(encoding="utf-8")]
    }


def released(changelog: str, version: str, date: str) -> str:
    """What was unreleased belongs to the version; a second time changes nothing."""
    if f"## [{version}]" in changelog:
        return changelog
    heading = "## [Unreleased]"
    return changelog.replace(heading, f"{heading}\n\n## [{version}] - {date}", 1)


if __name__ == "__main__":
    stamp(*sys.argv[1:])
