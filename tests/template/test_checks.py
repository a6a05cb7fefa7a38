"""What guards the code: every exception has its reason, and is one that is needed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sam import SCAN

SKIP = re.compile(r"^ +- (?P<id>(?:CKV|[EW]S)\w+)(?P<reason> # \S.{20,})?$", re.M)


@pytest.fixture(scope="session")
def checks(root: Path) -> Path:
    return root / "checks"


@pytest.mark.parametrize(
    ("file", "key"), [("checkov.yaml", "skip-check"), ("cfn-lint.yaml", "ignore_checks")]
)
def test_whatever_a_linter_is_told_to_skip_has_a_reason(checks: Path, file: str, key: str) -> None:
    text = (checks / file).read_text()
    found = {match["id"]: match["reason"] for match in SKIP.finditer(text)}
    assert list(found) == yaml.safe_load(text)[key]
    assert all(found.values())


def test_every_skip_of_checkov_is_needed(checks: Path, root: Path) -> None:
    config = yaml.safe_load((checks / "checkov.yaml").read_text())
    files = [
        root / "template.yaml",
        *root.glob("stacks/*.yaml"),
        root / "functions/trainer/Dockerfile",
    ]
    command: list[str | Path] = [
        SCAN / "guards/bin/checkov",
        *("--compact", "--quiet", "--skip-download", "--framework", *config["framework"]),
        *(part for file in files for part in ("--file", file)),
    ]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    failed = set(re.findall(r"^Check: (CKV\w+):", said.stdout, re.M))
    assert failed == set(config["skip-check"])


def rules(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text())["rules"]
    return found


def test_every_rule_of_our_own_has_a_bad_line_and_a_good_one(checks: Path) -> None:
    """Whether the rules tell them apart, `make check` asks semgrep."""
    for file in sorted((checks / "semgrep").glob("*.yaml")):
        lines = file.with_suffix(".py").read_text()
        for rule in rules(file):
            assert re.search(rf"# ruleid: .*\b{rule['id']}\b", lines), rule["id"]
            assert re.search(rf"# ok: .*\b{rule['id']}\b", lines), rule["id"]


PLANTED = {
    "functions/dispatcher/a.py": ("no-print", "print('tick')"),
    "functions/dispatcher/b.py": ("boto3-stays-in-aws", "import boto3"),
    "layers/core/src/autoretrain/services/c.py": ("the-database-tells-the-time", "time.time()"),
    "layers/core/src/autoretrain/storage/d.py": ("environment-is-read-at-the-door", "os.environ"),
    "layers/core/src/autoretrain/settings.py": ("no-secret-in-settings", "class S:\n  token: str"),
    "client/src/e.py": ("no-code-in-data", "import pickle"),
}
HARMLESS = {
    "layers/core/src/autoretrain/aws/f.py": "import boto3",
    "functions/dispatcher/app.py": "os.environ",
    "client/src/g.py": "time.time()",
}


def test_rules_hold_where_they_are_meant_to(checks: Path, tmp_path: Path) -> None:
    lines = {file: line for file, (_, line) in PLANTED.items()} | HARMLESS
    for file, line in lines.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(f"import os\nimport time\n\n{line}\n")
    guards = SCAN / "guards/bin"
    offline = ("--metrics=off", "--disable-version-check", "--quiet")
    command = (guards / "semgrep", "scan", *offline, "--json", "--config", checks / "semgrep", ".")
    told = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PATH": f"{guards}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = {
        (one["path"], one["check_id"].split(".")[-1]) for one in json.loads(told.stdout)["results"]
    }
    assert found == {(file, rule) for file, (rule, _) in PLANTED.items()}
