"""What `sam build` makes of the layer and the functions, with the real sam."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

FUNCTIONS = {
    "DispatcherFunction": "dispatcher",
    "ConditionCheckFunction": "condition_check",
    "TaskStoppedFunction": "task_stopped",
    "ApiFunction": "api",
    "RetrainFunction": "api",
    "AuthorizerFunction": "authorizer",
}
MAX_LAYER_BYTES = 60_000_000
UNCHECKED_HASH = 1


def _files(folder: Path) -> set[Path]:
    return {
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize(("function", "folder"), FUNCTIONS.items())
def test_function_is_its_own_code_and_nothing_else(
    build: Path, root: Path, function: str, folder: str
) -> None:
    assert _files(build / function) == _files(root / "functions" / folder)


@pytest.mark.parametrize("function", sorted(FUNCTIONS.keys() - {"ApiFunction", "RetrainFunction"}))
def test_function_that_answers_no_people_is_one_file(build: Path, function: str) -> None:
    assert _files(build / function) == {Path("app.py")}


def test_api_brings_its_contract_and_its_pages(build: Path) -> None:
    files = _files(build / "ApiFunction")
    assert {Path("app.py"), Path("openapi.json"), Path("console/index.html")} <= files
    assert _files(build / "RetrainFunction") == files


def test_layer_imports_on_its_own(layer: Path, python: Path) -> None:
    program = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "import autoretrain.domain.conditions, aws_lambda_powertools, psycopg2\n"
        "import pydantic, jwt, cryptography.hazmat.primitives.asymmetric.ec"
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
