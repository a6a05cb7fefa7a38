from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from autoretrain import errors
from autoretrain.errors import AutoRetrainError, DataError, RunTaken

EXIT_CODES = {"caller": 65, "operator": 78, "dependency": 75, "internal": 70}
ARGUMENTS: dict[type[AutoRetrainError], tuple[Any, ...]] = {
    DataError: ("few_rows", "12 rows"),
    errors.Unknown: ("run",),
    errors.Conflict: ("pinned", "pinned to v1: unpin it first"),
    errors.MissingScope: ("manage",),
    errors.TooManyRuns: ("60 within an hour", 600),
}
CLASSES = [one for one in vars(errors).values() if isinstance(one, type)]
KNOWN = [one for one in CLASSES if issubclass(one, AutoRetrainError)]


def drawn_tree(text: str) -> Iterator[tuple[str, str]]:
    """Every name in a drawn tree with the name that it hangs from."""
    path: list[str] = []
    for branch, names in re.findall(r"^([│ ]*(?:[├└]── )?)([A-Z]\w+(?:, [A-Z]\w+)*)", text, re.M):
        depth = len(branch) // 4
        for name in names.split(", "):
            path[depth:] = [name]
            yield name, path[depth - 1] if depth else "Exception"


def test_tree_in_the_docstring_is_the_class_hierarchy() -> None:
    _, tree = (errors.__doc__ or "").split("\n\n")
    assert dict(drawn_tree(tree)) == {one.__name__: one.__mro__[1].__name__ for one in CLASSES}


@pytest.mark.parametrize("error", KNOWN, ids=lambda error: error.__name__)
def test_error_has_a_family_an_exit_code_and_a_message(error: type[AutoRetrainError]) -> None:
    raised = error(*ARGUMENTS.get(error, ()))
    assert raised.exit_code == EXIT_CODES[raised.family]
    assert raised.code
    assert str(raised)


def test_error_codes_tell_the_classes_apart() -> None:
    to_callers_the_same = {errors.DatabaseRefuses}
    codes = [error.code for error in KNOWN if error not in {DataError, *to_callers_the_same}]
    assert len(set(codes)) == len(codes)


def test_message_is_the_docstring_where_none_is_given() -> None:
    assert str(errors.InvokeFailed()) == "Lambda did not take the event."
    assert str(errors.InvokeFailed("check did not take it")) == "check did not take it"


def test_data_error_carries_its_own_code() -> None:
    error = DataError("suspected_leak", "exit_price knows the outcome")
    assert (error.code, str(error)) == ("suspected_leak", "exit_price knows the outcome")


def test_run_taken_is_nobodys_error() -> None:
    assert not issubclass(RunTaken, AutoRetrainError)
