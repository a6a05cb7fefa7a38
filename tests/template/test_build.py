"""What `sam build` makes of the layer and the functions, with the real sam."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FUNCTIONS = ["DispatcherFunction", "ConditionCheckFunction", "TaskStoppedFunction"]
MAX_LAYER_BYTES = 50_000_000
UNCHECKED_HASH = 1


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
def build(root: Path, python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("sam")
    command: list[str | Path] = [
        root / ".venv-scan/bin/sam",
        "build",
        *("--template-file", root / "template.yaml"),
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


def _files(folder: Path) -> set[Path]:
    return {
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_is_its_app_and_nothing_else(build: Path, function: str) -> None:
    assert _files(build / function) == {Path("app.py")}


def test_layer_imports_on_its_own(layer: Path, python: Path) -> None:
    program = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "import autoretrain.domain.conditions, aws_lambda_powertools, psycopg2"
    )
    subprocess.run([python, "-I", "-S", "-c", program, layer], check=True)


def test_layer_has_every_file_of_the_package(layer: Path, root: Path) -> None:
    assert _files(layer / "autoretrain") == _files(root / "layers/core/src/autoretrain")


def test_layer_brings_the_statements_of_the_storage(layer: Path) -> None:
    assert list((layer / "autoretrain/storage").rglob("*.sql"))


def test_layer_leaves_out_what_has_no_place_in_it(layer: Path) -> None:
    heavy = {"boto3", "botocore", "httpx", "lightgbm", "numpy", "pandas", "bin", ".lock"}
    assert not heavy & {path.name for path in layer.iterdir()}


def test_layer_is_small_enough_to_start_fast(layer: Path) -> None:
    assert sum(path.stat().st_size for path in layer.rglob("*")) < MAX_LAYER_BYTES


def test_layer_is_compiled_for_an_archive_without_dates(layer: Path) -> None:
    sources = list(layer.rglob("*.py"))
    compiled = [path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc" for path in sources]
    assert {path.read_bytes()[4] for path in compiled} == {UNCHECKED_HASH}
