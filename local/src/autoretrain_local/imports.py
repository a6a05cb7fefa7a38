"""Imports functions as Lambda does in a new environment, whatever has been imported before."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path
from threading import Lock
from types import ModuleType

from autoretrain.errors import OperatorError

_one_at_a_time = Lock()  # what is imported belongs to the whole process


class Imports:
    """Functions' code: `app.py` and what lies beside it, anew at each call of `fresh`.

    What was imported last stays in sys.modules, for what libraries look up there later on.
    """

    def __init__(self) -> None:
        self._folders: list[Path] = []
        self._set_aside: dict[str, ModuleType] = {}

    def fresh(self, app: Path) -> ModuleType:
        """The module, with caches of its own; its folder comes first on sys.path from then on.

        Raises OperatorError where there is none, and whatever the import raises.
        """
        if not app.exists():
            raise OperatorError(f"{app} is missing: run this from a clone of the project")
        with _one_at_a_time:
            self._put_first(app.parent)
            _take_out(self._folders, {path.stem for path in app.parent.iterdir()})
            return _imported(app)

    def close(self) -> None:
        """Leave the process as it was."""
        with _one_at_a_time:
            _take_out(self._folders)
            sys.modules.update(self._set_aside)
            for folder in self._folders:
                sys.path.remove(str(folder))
            self._folders.clear()

    def _put_first(self, folder: Path) -> None:
        if folder in self._folders:
            sys.path.remove(str(folder))
        else:
            self._folders.append(folder)
            self._set_aside |= _take_out([folder])  # somebody else has imported those
        sys.path.insert(0, str(folder))


def _take_out(
    folders: Iterable[Path], roots: AbstractSet[str] | None = None
) -> dict[str, ModuleType]:
    """The modules of these folders, which Python then no longer knows: those below packages and
    modules of these names, or all."""
    below = tuple(f"{folder}{os.sep}" for folder in folders)
    names = [
        name
        for name, module in list(sys.modules.items())
        if (getattr(module, "__file__", None) or "").startswith(below)
        and (roots is None or name.partition(".")[0] in roots)
    ]
    return {name: sys.modules.pop(name) for name in names}


def _imported(app: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{app.stem}_of_{app.parent.name}", app)
    if spec is None or spec.loader is None:
        raise OperatorError(f"{app} is not Python")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
