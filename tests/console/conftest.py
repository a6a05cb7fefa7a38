"""One stack and one browser for all of these tests; each has a person of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from autoretrain_local.account import CONSOLE
from autoretrain_local.postgres import PostgresServer
from tests.conftest import cloned
from tests.console.chromium import NAMES, chromium_here
from tests.console.site import Person, Site, site_on
from tests.console.window import Window

PATIENCE_MS = 60_000
PICTURES = pytest.StashKey[Path]()
FIGURES = pytest.StashKey[dict[str, str]]()

Opens = Callable[..., Window]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, help="the folder that pictures of pages go to")


@pytest.fixture(scope="session")
def chromium() -> str:
    found = chromium_here()
    if found is None:
        pytest.skip(f"no Chromium here: install {' or '.join(NAMES)}, or name it in CHROMIUM")
    return found


@pytest.fixture(scope="package")
def site(
    chromium: str,
    postgres: PostgresServer,
    templates: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    if not (CONSOLE / "index.html").exists():
        pytest.fail("the console is not built: `make console`")
    with (
        contextmanager(cloned)(postgres, templates["tables"]) as url,
        site_on(url, tmp_path_factory.mktemp("stack")) as up,
    ):
        yield up


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium) as opened,
    ):
        yield opened


@pytest.fixture
def person(site: Site) -> Person:
    return site.person()


@pytest.fixture(scope="package")
def veteran(site: Site) -> Person:
    """Somebody with strategies in every state; their tests only look."""
    person = site.person()
    person.settle_in()
    return person


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody has read our options where these tests are not asked for by name."""
    asked: Path | None = request.config.getoption("--screenshots", None)
    folder = asked or tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    request.config.stash[PICTURES] = folder
    return folder


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> dict[str, str]:
    """What is told at the end."""
    return request.config.stash.setdefault(FIGURES, {})


@pytest.fixture
def opens(site: Site, browser: Browser, pictures: Path) -> Iterator[Opens]:
    """Opens windows; none may complain of anything, or ask anybody but us for anything."""
    windows: list[Window] = []

    def opened(
        person: Person, url: str = site.url, expected: tuple[str, ...] = (), **options: Any
    ) -> Window:
        wanted = {"locale": "en-GB", "timezone_id": "Asia/Tokyo", "reduced_motion": "reduce"}
        context = browser.new_context(**(wanted | options))
        context.set_default_timeout(PATIENCE_MS)
        windows.append(Window(context, person, url, pictures, expected))
        return windows[-1]

    yield opened
    for window in windows:
        window.context.close()
    assert [said for window in windows for said in window.unexpected()] == []
    assert [url for window in windows for url in window.strangers_asked(site.project.url)] == []


@pytest.fixture
def window(opens: Opens, person: Person) -> Window:
    return opens(person)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    stash = terminalreporter.config.stash
    figures = stash.get(FIGURES, {})
    if PICTURES in stash:
        many = len(list(stash[PICTURES].glob("*.png")))
        figures = figures | {"screenshots": f"{many} in {stash[PICTURES]}"}
    if figures:
        terminalreporter.section("console")
    for what, figure in figures.items():
        terminalreporter.write_line(f"{what}: {figure}")
