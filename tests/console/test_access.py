from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.axe import violations
from tests.console.conftest import Opens
from tests.console.site import Person
from tests.console.window import Window, panel, told, training_of

WIDTH = 360
PHONE = {"viewport": {"width": WIDTH, "height": 740}, "is_mobile": True, "has_touch": True}
MOST_TABS = 60

Look = Callable[[str], None]


def look_at_all(window: Window, page: Page, strategy: str, look: Look) -> None:
    """Every page, once it shows what it is for."""
    look("list")
    window.go(page, strategy)
    expect(page.get_by_role("img", name=re.compile("^P&L by week"))).to_be_visible()
    look("overview")
    window.go(page, f"{strategy}/training")
    expect(page.get_by_role("meter", name="Schedule")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^v1"))).to_be_visible()
    look("training")
    window.go(page, f"{strategy}/versions/v2")
    expect(page.get_by_role("heading", name="v2 against v1")).to_be_visible()
    expect(page.get_by_role("heading", name="How it was made")).to_be_visible()
    look("version")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_lacks_nothing_that_axe_knows_of(opens: Opens, veteran: Person, theme: str) -> None:
    window = opens(veteran, color_scheme=theme)
    strategy = f"#/strategies/{veteran.strategies['momentum']}"
    lacks: dict[str, list[str]] = {}
    page = window.stranger()

    def look(name: str) -> None:
        lacks[name] = violations(page)
        window.picture(page, f"{name}-{theme}")

    look("sign-in")
    window.sign_in(page)
    expect(page.get_by_role("row", name=re.compile("^momentum"))).to_contain_text("v2")
    look_at_all(window, page, strategy, look)
    window.go(page, f"{strategy}/training")
    page.get_by_role("button", name="Roll back to v1").click()
    lacks["dialog"] = violations(page)
    window.picture(page, f"dialog-{theme}", whole=False)

    assert {name: found for name, found in lacks.items() if found} == {}


def test_page_of_a_phone_scrolls_one_way_only(opens: Opens, veteran: Person) -> None:
    window = opens(veteran, **PHONE)
    strategy = f"#/strategies/{veteran.strategies['momentum']}"
    too_wide: dict[str, int] = {}
    page = window.stranger()

    def look(name: str) -> None:
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > WIDTH:
            too_wide[name] = wide
        window.picture(page, f"{name}-phone")

    look("sign-in")
    window.sign_in(page)
    expect(page.get_by_role("link", name="momentum")).to_be_visible()
    look_at_all(window, page, strategy, look)

    assert too_wide == {}


def press_until(page: Page, key: str, wanted: Locator) -> None:
    expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{MOST_TABS} times {key}, and never at {wanted}")


def test_everything_is_done_with_the_keyboard_alone(window: Window, person: Person) -> None:
    made = person.strategy("by hand")
    person.world.run(
        "UPDATE autoretrain.strategy_training SET paused_reason = 'tried' WHERE strategy_id = %s",
        made,
    )
    page = window.stranger()
    press_until(page, "Tab", page.get_by_label("API token"))
    page.keyboard.type(person.token)
    page.keyboard.press("Enter")
    press_until(page, "Tab", page.get_by_role("link", name="by hand"))
    page.keyboard.press("Enter")

    resume = page.get_by_role("button", name="Resume")
    press_until(page, "Tab", resume)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    press_until(page, "Tab", dialog.get_by_role("button", name="Resume"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(resume).to_be_focused()
    page.keyboard.press("Enter")
    press_until(page, "Tab", dialog.get_by_role("button", name="Resume"))
    page.keyboard.press("Enter")
    told(page, "Resumed.")

    press_until(page, "Tab", page.get_by_role("tab", name="Overview"))
    page.keyboard.press("ArrowRight")
    press_until(page, "Tab", page.get_by_role("button", name="Train ML Model"))
    page.keyboard.press("Enter")
    expect(panel(page, "Train")).to_contain_text("v1 is live")


def test_theme_that_is_chosen_stays(window: Window) -> None:
    page = window.tab()
    html = page.locator("html")
    expect(html).to_have_attribute("data-theme", "light")

    page.get_by_role("button", name="Switch to dark theme").click()
    expect(html).to_have_attribute("data-theme", "dark")
    page.reload()

    expect(html).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="Switch to light theme")).to_be_visible()


def test_times_are_in_the_zone_of_whoever_looks_with_utc_on_hover(
    window: Window, veteran: Person
) -> None:
    window.person = veteran
    made = veteran.strategies["momentum"]
    found = veteran.world.one(
        "SELECT created_at AS at, created_at AT TIME ZONE 'Asia/Tokyo' AS in_tokyo"
        " FROM autoretrain.model_artifacts WHERE strategy_id = %s AND version = 'v1'",
        made,
    )

    page = window.tab(training_of(made))

    row = page.get_by_role("row", name=re.compile("^v1"))
    told = row.get_by_role("time")
    expect(told).to_contain_text(f"{found.in_tokyo:%Y, %H:%M}")
    expect(told).to_have_attribute("title", f"{found.at:%Y-%m-%d %H:%M:%S} UTC")
