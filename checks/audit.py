"""Asks for published advisories about everything that is pinned, Python's and the console's.

python checks/audit.py PIP_AUDIT NPM
Exit code 0: none is known · 1: there are some · 2: nobody could be asked, which proves nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "locks/*.txt", "layers/core/*.txt", "functions/trainer/*.txt")
KNOWN, NOT_ASKED = 1, 2


class NobodyAnswers(Exception):
    """There is no advisory data to be had from here."""


def main(pip_audit: str, npm: str) -> int:
    try:
        found = [*python_advisories(pip_audit), *console_advisories(npm)]
    except NobodyAnswers as exc:
        print(f"Nothing was audited: no advisory data can be reached from here ({exc}).")  # noqa: T201
        print("Run this where pypi.org and registry.npmjs.org answer.")  # noqa: T201
        return NOT_ASKED
    for line in dict.fromkeys(found):
        print(line)  # noqa: T201
    print(f"{len(set(found))} known advisories")  # noqa: T201
    return KNOWN if found else 0


def python_advisories(pip_audit: str) -> Iterator[str]:
    locks = sorted(path for pattern in LOCKS for path in ROOT.glob(pattern))
    for lock in locks:
        # Strict: what the index knows nothing about would be called free of advisories.
        flags = ("--strict", "--disable-pip", "--require-hashes", "--progress-spinner=off")
        told = answer_of([pip_audit, *flags, "--format=json", "-r", str(lock)], ROOT)
        if "dependencies" not in told:
            raise NobodyAnswers(str(told.get("said", "no answer of pip-audit")))
        for package in told["dependencies"]:
            for advisory in package.get("vulns", []):
                fixed = ", ".join(advisory["fix_versions"]) or "no version"
                name = f"{package['name']} {package['version']}"
                yield f"{lock.relative_to(ROOT)}: {name}: {advisory['id']}, fixed in {fixed}"


def console_advisories(npm: str) -> Iterator[str]:
    told = answer_of([npm, "audit", "--json"], ROOT / "console")
    if "auditReportVersion" not in told:
        raise NobodyAnswers(str(told.get("message") or told.get("said") or "no answer of npm"))
    for name, advisory in told["vulnerabilities"].items():
        yield f"console/package-lock.json: {name} {advisory['range']}: {advisory['severity']}"


def answer_of(command: list[str], folder: Path) -> dict[str, Any]:
    """The JSON that it prints, or the last thing that it said instead."""
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as exc:
        return {"said": str(exc)}
    try:
        told: dict[str, Any] = json.loads(ran.stdout)
    except ValueError:
        last = (ran.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return {"said": last.removeprefix("ERROR:pip_audit._cli:")}
    return told


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
