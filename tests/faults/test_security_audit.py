"""`make audit` with advisories, without, and where nobody can be asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AUDIT = Path(__file__).parents[2] / "checks" / "audit.py"
FIXED = {"id": "PYSEC-2026-1", "fix_versions": ["2.0"]}
CLEAN = {"dependencies": [{"name": "boto3", "version": "1.0", "vulns": []}]}
KNOWN = {"dependencies": [{"name": "boto3", "version": "1.0", "vulns": [FIXED]}]}
NPM_CLEAN: dict[str, Any] = {"auditReportVersion": 2, "vulnerabilities": {}}
NPM_KNOWN = {
    "auditReportVersion": 2,
    "vulnerabilities": {"vite": {"range": "<7.0.0", "severity": "high"}},
}
SKIPPED = "ERROR:pip_audit._cli:uv: Dependency not found on PyPI and could not be audited: uv (1)"


def stand_in(folder: Path, name: str, told: object, said: str = "") -> str:
    """A program that prints the JSON, or nothing but what it says."""
    program = folder / name
    printed = json.dumps(told) if told else ""
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}\nEND\necho '{said}' >&2\nexit 1\n")
    program.chmod(0o755)
    return str(program)


def audited(pip_audit: str, npm: str) -> tuple[int, str]:
    command = [sys.executable, str(AUDIT), pip_audit, npm]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout


def test_nothing_known_is_success(tmp_path: Path) -> None:
    ran = audited(stand_in(tmp_path, "pip", CLEAN), stand_in(tmp_path, "npm", NPM_CLEAN))

    assert ran == (0, "0 known advisories\n")


def test_what_is_known_is_named_with_its_lock_and_fails(tmp_path: Path) -> None:
    code, said = audited(stand_in(tmp_path, "pip", KNOWN), stand_in(tmp_path, "npm", NPM_KNOWN))

    assert code == 1
    assert "requirements.lock: boto3 1.0: PYSEC-2026-1, fixed in 2.0\n" in said
    assert "locks/guards.txt: boto3" in said
    assert "functions/trainer/requirements.txt: boto3" in said
    assert "console/package-lock.json: vite <7.0.0: high\n" in said


@pytest.mark.parametrize(
    ("python", "said", "console"),
    [
        (None, SKIPPED, NPM_CLEAN),
        (None, "", NPM_CLEAN),
        (CLEAN, "", {"message": "405 Method Not Allowed"}),
        (CLEAN, "", None),
    ],
    ids=["a skipped package", "a silent pip-audit", "a registry without advisories", "no registry"],
)
def test_where_nobody_can_be_asked_it_fails_and_says_so(
    tmp_path: Path, python: object, said: str, console: object
) -> None:
    pip_audit = stand_in(tmp_path, "pip", python, said)
    code, told = audited(pip_audit, stand_in(tmp_path, "npm", console))

    assert code == 2
    assert told.startswith("Nothing was audited: no advisory data can be reached from here (")
