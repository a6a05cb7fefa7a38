"""What goes into the trainer's image: as little as it needs."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from autoretrain_local.template import TEMPLATE
from tests.sam import SCAN

TRAINER = TEMPLATE.with_name("functions") / "trainer"
# What sam itself asks which files it hands to the engine.
LISTING = """
import json, sys
from docker.utils.build import exclude_paths
root, dockerfile = sys.argv[1:]
lines = open(f"{root}/.dockerignore").read().splitlines()
patterns = [line for line in lines if line and not line.startswith("#")]
print(json.dumps(sorted(exclude_paths(root, patterns, dockerfile=dockerfile))))
"""


@pytest.fixture(scope="module")
def context(root: Path) -> set[Path]:
    """The files of the build's context."""
    command: list[str | Path] = [
        *(SCAN / "bin" / "python", "-c", LISTING),
        *(root, "functions/trainer/Dockerfile"),
    ]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return {Path(name) for name in json.loads(listed.stdout) if (root / name).is_file()}


def sources(root: Path, folder: str) -> set[Path]:
    paths = (root / folder).rglob("*")
    files = {path.relative_to(root) for path in paths if path.is_file()}
    return {path for path in files if not {"__pycache__"} & set(path.parts)}


def test_context_of_the_image_is_two_packages_and_nothing_else(
    context: set[Path], root: Path
) -> None:
    assert context == {
        *sources(root, "layers/core/src"),
        *sources(root, "functions/trainer/src"),
        Path("layers/core/pyproject.toml"),
        Path("layers/core/build-requirements.txt"),
        Path("functions/trainer/pyproject.toml"),
        Path("functions/trainer/requirements.txt"),
        Path("functions/trainer/Dockerfile"),
        Path(".dockerignore"),
    }


def test_every_copied_path_is_in_the_context(context: set[Path]) -> None:
    dockerfile = (TRAINER / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.MULTILINE)
    assert copied
    for path in copied:
        assert any(file.is_relative_to(path) for file in context), path


def test_image_installs_what_is_locked_and_compiles_nothing() -> None:
    dockerfile = (TRAINER / "Dockerfile").read_text()
    for install in re.findall(r"pip .*install .*", dockerfile):
        assert "--require-hashes --only-binary :all:" in install or "wheels/*.whl" in install
    assert not re.search(r"apt-get install.*(gcc|build-essential|-dev)", dockerfile)


def test_lock_of_the_image_speaks_lambda_and_leaves_out_what_has_no_place_in_it() -> None:
    pinned = re.findall(r"^([a-z0-9-]+)==", (TRAINER / "requirements.txt").read_text(), re.M)
    assert "awslambdaric" in pinned
    assert not {"pandas", "httpx", "pydantic"} & set(pinned)
