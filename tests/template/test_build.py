"""What `sam build` makes of the layer and the functions, with the real sam."""

from __future__ import annotations

import json
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.sam import sam_build

FUNCTIONS = {
    "DispatcherFunction": "dispatcher",
    "ConditionCheckFunction": "condition_check",
    "TaskStoppedFunction": "task_stopped",
    "ApiFunction": "api",
    "RetrainFunction": "api",
    "AuthorizerFunction": "authorizer",
    "DeploymentFunction": "deployment",
}
MAX_LAYER_BYTES = 50_000_000
UNCHECKED_HASH = 1
SAM_DATE = (1980, 1, 1, 0, 0, 0)
ELF_MACHINES = {"x86_64": 62, "arm64": 183}


def _files(folder: Path) -> set[Path]:
    return {
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _ask(python: Path, program: str, *arguments: str | Path) -> Any:
    """What a python that knows nothing but its standard library prints."""
    asked = subprocess.run(
        [python, "-I", "-S", "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={"AWS_DEFAULT_REGION": "eu-central-1", "POWERTOOLS_SERVICE_NAME": "auto-retrain"},
    )
    return json.loads(asked.stdout)


@pytest.mark.parametrize(("function", "folder"), FUNCTIONS.items())
def test_function_is_its_own_code_and_nothing_else(
    build: Path, root: Path, function: str, folder: str
) -> None:
    assert _files(build / function) == _files(root / "functions" / folder)


@pytest.mark.parametrize("function", sorted(FUNCTIONS.keys() - {"ApiFunction", "RetrainFunction"}))
def test_function_that_answers_no_people_is_one_file(build: Path, function: str) -> None:
    assert _files(build / function) == {Path("app.py")}


def test_api_brings_its_contract(build: Path) -> None:
    files = _files(build / "ApiFunction")
    assert {Path("app.py"), Path("openapi.json")} <= files
    assert _files(build / "RetrainFunction") == files


def test_layer_imports_on_its_own(layer: Path, python: Path) -> None:
    program = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "import autoretrain.domain.conditions, aws_lambda_powertools, psycopg2\n"
        "import pydantic, jwt, cryptography.hazmat.primitives.asymmetric.ec\n"
        "print('true')"
    )
    assert _ask(python, program, layer)


def test_layer_has_every_file_of_the_package(layer: Path, root: Path) -> None:
    assert _files(layer / "autoretrain") == _files(root / "layers/core/src/autoretrain")


def test_layer_brings_the_statements_of_the_storage(layer: Path) -> None:
    assert list((layer / "autoretrain/storage").rglob("*.sql"))


def test_layer_leaves_out_what_has_no_place_in_it(layer: Path) -> None:
    heavy = {"boto3", "botocore", "httpx", "lightgbm", "numpy", "pandas"}
    leftovers = {"bin", ".lock", "hatchling", "cffi", "pycparser"}
    assert not (heavy | leftovers) & {path.name for path in layer.iterdir()}
    assert not list(layer.rglob("direct_url.json")), "it tells where the package has lain"


def test_wheel_is_made_by_the_version_that_the_package_names(root: Path) -> None:
    core = root / "layers/core"
    (needed,) = tomllib.loads((core / "pyproject.toml").read_text())["build-system"]["requires"]
    assert f"{needed} \\\n    --hash=sha256:" in (core / "build-requirements.txt").read_text()


@pytest.fixture(scope="session")
def arm_layer(
    build: Path, python: Path, sam_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Built after the other one, with the same cache: sam must not take one for the other."""
    target = tmp_path_factory.mktemp("arm")
    sam_build("CoreLayer", to=target, python=python, cache=sam_cache, architecture="arm64")
    return target / "CoreLayer" / "python"


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_layer_is_for_the_architecture_asked_for_and_small(
    request: pytest.FixtureRequest, architecture: str
) -> None:
    made: Path = request.getfixturevalue("layer" if architecture == "x86_64" else "arm_layer")
    machines = {
        int.from_bytes(library.read_bytes()[18:20], "little")
        for library in made.rglob("*.so*")
        if library.is_file()
    }
    assert machines == {ELF_MACHINES[architecture]}
    assert sum(path.stat().st_size for path in made.rglob("*") if path.is_file()) < MAX_LAYER_BYTES


def test_layer_is_not_built_for_an_architecture_that_lambda_lacks(root: Path) -> None:
    asked = subprocess.run(
        ["make", "build-CoreLayer", "ARCH=mips", "ARTIFACTS_DIR=/nowhere"],
        cwd=root / "layers/core",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ARCH is x86_64 or arm64, not 'mips'" in asked.stderr
    assert asked.returncode != 0


def test_layer_is_compiled_for_an_archive_without_dates(layer: Path) -> None:
    sources = list(layer.rglob("*.py"))
    compiled = [path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc" for path in sources]
    assert {path.read_bytes()[4] for path in compiled} == {UNCHECKED_HASH}


@pytest.fixture(scope="session")
def deployed_layer(layer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer after the way it takes to Lambda: zipped as SAM does it, unpacked, read-only."""
    archive = tmp_path_factory.mktemp("zip") / "layer.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in layer.rglob("*"):
            if path.is_file():
                name = str(path.relative_to(layer))
                opened.writestr(zipfile.ZipInfo(name, SAM_DATE), path.read_bytes())
    unpacked = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(archive).extractall(unpacked)
    return unpacked


def test_bytecode_is_used_although_its_date_is_not_the_source_s(
    deployed_layer: Path, python: Path
) -> None:
    """A source that could not even be read as Python shows that nobody looks at it."""
    program = (
        "import sys, json; sys.path.append(sys.argv[1])\n"
        "from pathlib import Path\n"
        "source = Path(sys.argv[1], 'autoretrain/domain/conditions/decision.py')\n"
        "source.write_text('this is no Python')\n"
        "import autoretrain.domain.conditions.decision as read\n"
        "print(json.dumps([read.__cached__, hasattr(read, 'Decision')]))"
    )
    cached, understood = _ask(python, program, deployed_layer)
    assert Path(cached).parent == deployed_layer / "autoretrain/domain/conditions/__pycache__"
    assert understood
