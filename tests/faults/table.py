"""Prints which rows hold; `--faults` selects the whole fault suite, wherever its tests lie."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.faults.rows import MARKER, ROWS

HERE = Path(__file__).parent
OUTCOMES = pytest.StashKey[dict[str, dict[str, str]]]()
NAMES_ROWS = "tests.faults.rows"
HOLDS, FAILS, NO_TEST = "holds", "FAILS", "NO TEST"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Here, not in the conftest: pytest reads that too late when it is not asked for by name."""
    group = parser.getgroup("faults")
    group.addoption(
        "--faults", action="store_true", help="the fault suite alone, and every row of it"
    )
    group.addoption("--fault-profile", choices=["short", "long"], default="short")
    group.addoption("--fault-figures", type=Path, help="write what was counted to this JSON file")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARKER}(*names): the rows that the test shows to hold")
    config.stash[OUTCOMES] = {}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where no row is named, nothing has to be imported to know it."""
    elsewhere = collection_path.suffix == ".py" and HERE not in collection_path.parents
    if not (config.getoption("--faults") and elsewhere):
        return None
    return True if NAMES_ROWS not in collection_path.read_text() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--faults"):
        return
    others = [item for item in items if not _is_of_the_suite(item)]
    items[:] = [item for item in items if _is_of_the_suite(item)]
    config.hook.pytest_deselected(items=others)


def _is_of_the_suite(item: pytest.Item) -> bool:
    return HERE in item.path.parents or any(_rows_of(item))


def _rows_of(item: pytest.Item) -> Iterator[str]:
    for marker in item.iter_markers(MARKER):
        yield from marker.args


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not report.passed or report.when == "call":
        for name in _rows_of(item):
            item.config.stash[OUTCOMES].setdefault(name, {})[item.nodeid] = report.outcome
    return report


def held(config: pytest.Config) -> dict[str, str]:
    """Every row that was tried, or all of them where all were asked for."""
    outcomes = config.stash[OUTCOMES]
    asked = ROWS if config.getoption("--faults") else outcomes
    return {name: _held(outcomes.get(name, {})) for name in ROWS if name in asked}


def _held(outcomes: dict[str, str]) -> str:
    if not outcomes:
        return NO_TEST
    return HOLDS if set(outcomes.values()) == {"passed"} else FAILS


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    asked_for = session.config.getoption("--faults") and not session.config.option.collectonly
    if asked_for and set(held(session.config).values()) != {HOLDS}:
        session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = held(terminalreporter.config)
    if not rows:
        return
    terminalreporter.section("what happens if …")
    for name, outcome in rows.items():
        told = f"{name:<4}{outcome:<8}{ROWS[name].injected}: {ROWS[name].holds}"
        terminalreporter.write_line(told, red=outcome != HOLDS)
    all_hold = sum(outcome == HOLDS for outcome in rows.values())
    terminalreporter.write_line(f"{all_hold} of {len(rows)} rows hold")
