from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.console.axe import violations
from tests.console.site import Person
from tests.console.window import Window, panel, training_of

WON = "v1 is live: better than what was there"


def train(page: Page) -> None:
    page.get_by_role("button", name="Train ML Model").click()


def test_person_trains_a_model_and_sees_it_go_live(window: Window, person: Person) -> None:
    person.strategy("momentum")
    page = window.tab()
    expect(page).to_have_title("Strategies · AI Studio · auto-retrain")

    page.get_by_role("link", name="momentum").click()
    page.get_by_role("tab", name="ML Training").click()
    expect(panel(page, "Live model")).to_contain_text("No model is live")
    train(page)

    progress = page.get_by_role("progressbar", name="Training")
    expect(progress).to_have_attribute("aria-valuetext", re.compile(r".+, \d+%"))
    window.picture(page, "training-underway")
    assert violations(page) == []
    expect(panel(page, "Train")).to_contain_text(WON)
    expect(panel(page, "Live model")).to_contain_text("v1")
    expect(page.get_by_role("row", name=re.compile("^v1 live"))).to_be_visible()
    window.picture(page, "training-ended")

    page.get_by_role("link", name="How v1 was judged").click()
    expect(page.get_by_role("heading", name="v1 against base rate")).to_be_visible()


def test_condition_shows_how_far_it_is_from_firing_when_asked_to_check(
    window: Window, person: Person
) -> None:
    made = person.strategy("young", trades=40)
    page = window.tab(training_of(made))

    page.get_by_role("button", name="Check now").click()

    first = page.get_by_role("meter", name="First training")
    expect(first).to_have_attribute("aria-valuetext", "40 of 100 trades, 60 to go")
    for name in ("New trades", "Performance", "Schedule"):
        expect(page.get_by_role("meter", name=name)).to_be_visible()
    expect(panel(page, "Retrain?")).to_contain_text("No too few trades")
    window.picture(page, "training-too-few-trades")


def test_two_tabs_that_train_at_once_share_one_training(window: Window, person: Person) -> None:
    made = person.strategy("shared")
    tabs = [window.tab(training_of(made)) for _ in range(2)]

    for page in tabs:
        train(page)
    for page in tabs:
        expect(panel(page, "Train")).to_contain_text(WON)

    runs = "SELECT count(*) AS n FROM autoretrain.training_runs WHERE strategy_id = %s"
    assert person.world.one(runs, made).n == 1


def test_training_that_is_cancelled_leaves_nothing_live(window: Window, person: Person) -> None:
    made = person.strategy("regretted", trades=2000)
    page = window.tab(training_of(made))
    train(page)

    page.get_by_role("button", name="Cancel training").click()
    window.picture(page, "dialog-cancel", whole=False)
    page.get_by_role("button", name="Cancel the training").click()

    expect(panel(page, "Train")).to_contain_text("Cancelled by hand")
    expect(panel(page, "Live model")).to_contain_text("No model is live")
    expect(page.get_by_role("button", name="Train ML Model")).to_be_enabled()
