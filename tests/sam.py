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
TIMES = pytest.StashKey[list[str]]()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """What was measured; nothing depends on it."""
    if times := config.stash.get(TIMES, []):
        terminalreporter.section("what sam has built")
        terminalreporter.write_line("\n".join(times))


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
def sam_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sam-cache")


@pytest.fixture(scope="session")
def build(python: Path, sam_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything but the trainer's image, which takes a container engine, and the console's pages,
    which take npm."""
    target = tmp_path_factory.mktemp("sam")
    without = ("--exclude", "TrainerFunction", "--exclude", "ConsoleLayer")
    sam_build(*without, to=target, python=python, cache=sam_cache)
    return target


@pytest.fixture(scope="session")
def layer(build: Path) -> Path:
    return build / "CoreLayer" / "python"


def sam_build(
    *what: str, to: Path, python: Path, cache: Path, architecture: str = "x86_64"
) -> None:
    command: list[str | Path] = [
        SCAN / "bin/sam",
        "build",
        *what,
        *("--template-file", TEMPLATE),
        *("--build-dir", to),
        *("--cache-dir", cache),
        *("--parameter-overrides", f"Architecture={architecture}"),
    ]
    environment = os.environ | {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "ARCH": architecture,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "SAM_CLI_TELEMETRY": "0",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    done = subprocess.run(
        command, cwd=to.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
