"""Takes the pictures that the README shows, of the demo's strategies: `make console`, then
`.venv/bin/python -m tests.console.pictures`, which plays the demo in a folder of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from autoretrain.storage.connection import connect
from autoretrain.storage.migrate import migrate
from autoretrain_local.account import BUCKET
from autoretrain_local.demo.market import load_prices
from autoretrain_local.demo.stage import USER, Stage
from autoretrain_local.demo.strategies import demo_strategies
from autoretrain_local.postgres import PostgresServer
from autoretrain_local.stack import LocalStack
from tests.console.chromium import chromium_here
from tests.console.site import Person
from tests.console.window import Window, loaded
from tests.world import World

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SHOWN = "RSI reversion"
WIDTH_PX, LIST_PX, TRAINING_PX = 1280, 640, 1100


@contextmanager
def demo(data: Path) -> Iterator[tuple[LocalStack, Person]]:
    """The stack and whoever owns the demo's strategies, before the demo's tick."""
    with PostgresServer(data / "postgres", durable=False) as server:
        with closing(connect(server.url())) as opened:
            migrate(opened)
        with LocalStack(server.url(), data, list[str]().append) as stack:
            strategies = demo_strategies(load_prices(datetime.now(UTC)))
            Stage(server.url(), BUCKET).set_up(strategies, print)
            yield stack, Person(stack.url, World(server.url()), USER)


def take_training(window: Window, page: Page) -> None:
    """Just after a check has said yes."""
    page.get_by_role("link", name=SHOWN).click()
    page.get_by_role("tab", name="ML Training").click()
    loaded(page)
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("meter", name="Schedule")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Training")).to_be_visible()
    window.picture(page, "console-training", whole=False)


def take_list(window: Window, page: Page) -> None:
    page.set_viewport_size({"width": WIDTH_PX, "height": LIST_PX})
    page.get_by_role("link", name="Strategies").click()
    page.reload()
    expect(page.get_by_role("link", name=SHOWN)).to_be_visible()
    loaded(page)
    page.mouse.move(0, 0)
    window.picture(page, "console-list", whole=False)


def main() -> None:
    chromium = chromium_here()
    if chromium is None:
        sys.exit("no Chromium here: install one, or name it in CHROMIUM")
    with (
        TemporaryDirectory() as data,
        demo(Path(data)) as (stack, person),
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium) as browser,
    ):
        viewport: ViewportSize = {"width": WIDTH_PX, "height": TRAINING_PX}
        context = browser.new_context(viewport=viewport, locale="en-GB", color_scheme="light")
        window = Window(context, person, person.url, IMAGES)
        page = window.tab()
        take_training(window, page)
        stack.tick()
        stack.settle()
        take_list(window, page)


if __name__ == "__main__":
    main()
