"""What `sam build` makes of the template, with the real sam: built once for all tests of a run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autoretrain_local.template import TEMPLATE

SCAN = TEMPLATE.parent / ".venv-scan"


def _can_build(python: str) -> bool:
    found = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    return found.returncode == 0 and b"(python 3.13)" in found.stdout


@pytest.fixture(scope="session")
def python() -> Path:
    """A python3.13 that runs: sam builds for 3.13 with nothing else."""
    for candidate in (sys.executable, shutil.which("python3.13")):
        if candidate and _can_build(candidate):
            return Path(candidate)
    pytest.skip("sam build needs a python3.13 with pip on the PATH")


@pytest.fixture(scope="session")
def build(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("sam")
    command: list[str | Path] = [
        SCAN / "bin/sam",
        "build",
        *("--template-file", TEMPLATE),
        *("--build-dir", target / "build"),
        *("--cache-dir", target / "cache"),
    ]
    environment = os.environ | {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "SAM_CLI_TELEMETRY": "0",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    done = subprocess.run(
        command, cwd=target, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target / "build"


@pytest.fixture(scope="session")
def layer(build: Path) -> Path:
    return build / "CoreLayer" / "python"
