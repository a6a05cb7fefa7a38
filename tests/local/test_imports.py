from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoretrain.errors import OperatorError
from autoretrain_local.imports import Imports

APP = """
from beside import cache


def handler(event, context):
    import later

    cache.append(event)
    return [list(cache), later.WHO]
"""


@pytest.fixture
def imports() -> Iterator[Imports]:
    opened = Imports()
    yield opened
    opened.close()


def write(folder: Path, who: str) -> Path:
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "beside.py").write_text("cache = []\n")
    (folder / "later.py").write_text(f"WHO = {who!r}\n")
    return folder / "app.py"


def test_every_import_has_caches_of_its_own(imports: Imports, tmp_path: Path) -> None:
    app = write(tmp_path / "api", "api")
    first, second = imports.fresh(app), imports.fresh(app)

    assert first.handler(1, None) == [[1], "api"]
    assert second.handler(2, None) == [[2], "api"]
    assert first.handler(3, None) == [[1, 3], "api"]


def test_functions_with_modules_of_the_same_name_do_not_share_them(
    imports: Imports, tmp_path: Path
) -> None:
    api = imports.fresh(write(tmp_path / "api", "api"))
    authorizer = imports.fresh(write(tmp_path / "authorizer", "authorizer"))

    assert authorizer.handler(1, None) == [[1], "authorizer"]
    assert api.cache == []


def test_function_is_still_known_when_another_has_been_imported(
    imports: Imports, tmp_path: Path
) -> None:
    api = imports.fresh(write(tmp_path / "api", "api"))
    (tmp_path / "authorizer").mkdir()
    (tmp_path / "authorizer/app.py").touch()
    imports.fresh(tmp_path / "authorizer/app.py")

    assert sys.modules[api.__name__] is api
    assert sys.modules["beside"].cache is api.cache


def test_process_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = write(tmp_path / "api", "api")
    monkeypatch.syspath_prepend(app.parent)
    import beside  # type: ignore[import-not-found]

    path, modules = list(sys.path), dict(sys.modules)
    imports = Imports()

    assert imports.fresh(app).cache is not beside.cache
    imports.close()

    assert (sys.path, sys.modules["beside"]) == (path, beside)
    assert sys.modules.keys() == modules.keys()
    del sys.modules["beside"]


def test_function_without_code_is_the_operators_to_mend(imports: Imports, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="run this from a clone"):
        imports.fresh(tmp_path / "app.py")
