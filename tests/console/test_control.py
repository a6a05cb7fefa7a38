from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.console.axe import violations
from tests.console.site import Person
from tests.console.window import Window, panel, told, training_of


def roll_back(page: Page) -> None:
    page.get_by_role("button", name="Roll back to v1").click()
    page.get_by_label("Why?").fill("v2 sleeps through Mondays")
    page.get_by_role("dialog").get_by_role("button", name="Activate v1").click()


def undo(page: Page) -> None:
    page.get_by_role("status").get_by_role("button", name="Undo").last.click()


def test_version_that_is_rolled_back_to_stays_until_it_is_unpinned(
    window: Window, person: Person
) -> None:
    page = window.tab(training_of(person.veteran("momentum")))
    live = panel(page, "Live model")
    expect(live).to_contain_text("v2")

    roll_back(page)
    told(page, "v1 is live, and pinned.")
    expect(live).to_contain_text(f"Pinned to v1 by user …{str(person.user_id)[-6:]} since")
    page.get_by_text("Every change, by whom and why").click()
    expect(panel(page, "Versions")).to_contain_text("v2 sleeps through Mondays")
    window.picture(page, "training-pinned")
    assert violations(page) == []

    undo(page)
    expect(live.get_by_text("v2", exact=True)).to_be_visible()
    expect(live).not_to_contain_text("Pinned")

    roll_back(page)
    live.get_by_role("button", name="Unpin").click()
    page.get_by_role("dialog").get_by_role("button", name="Unpin v1").click()
    expect(live).not_to_contain_text("Pinned")
    expect(live.get_by_text("v1", exact=True)).to_be_visible()


def test_better_model_waits_for_a_person_where_that_is_wanted(
    window: Window, person: Person
) -> None:
    page = window.tab(training_of(person.strategy("careful")))
    page.get_by_role("radio", name="After approval").check()
    page.get_by_role("button", name="Save settings").click()
    told(page, "Settings saved.")

    page.get_by_role("button", name="Check now").click()
    expect(panel(page, "Train")).to_contain_text("v1 is better, and waits")
    expect(panel(page, "Live model")).to_contain_text("v1 waits for your approval")
    window.picture(page, "training-waits-for-approval")
    assert violations(page) == []
    page.get_by_role("link", name="Strategies").click()
    expect(page.get_by_role("row", name="careful")).to_contain_text("Needs approval")

    page.get_by_role("link", name="careful").click()
    page.get_by_role("button", name="Approve v1").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve v1").click()
    told(page, "v1 is live.")
    expect(panel(page, "Live model")).not_to_contain_text("waits")


def test_settings_are_saved_and_taken_back(window: Window, person: Person) -> None:
    made = person.strategy("quiet", trades=0)
    page = window.tab(training_of(made))
    form = page.get_by_role("form", name="Settings")
    switch = form.get_by_role("switch", name="Retrain automatically")

    switch.uncheck()
    form.get_by_label("Minimum trades").fill("250")
    form.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Disabled")).to_be_visible()
    page.reload()
    expect(switch).not_to_be_checked()
    expect(form.get_by_label("Minimum trades")).to_have_value("250")

    switch.check()
    form.get_by_role("button", name="Save settings").click()
    told(page, "Settings saved.")
    undo(page)
    told(page, "Taken back.")
    expect(switch).not_to_be_checked()


def test_setting_that_is_refused_is_said_and_stays_to_be_corrected(
    window: Window, person: Person
) -> None:
    window.expected = (r"Failed to load resource: .* 422",)
    page = window.tab(training_of(person.strategy("strict", trades=0)))
    form = page.get_by_role("form", name="Settings")

    form.get_by_label("Judged from").fill("80")
    form.get_by_role("button", name="Save settings").click()

    told(page, "degradation_min_trades")
    expect(form.get_by_label("Judged from")).to_have_value("80")


def test_paused_strategy_is_resumed(window: Window, person: Person) -> None:
    made = person.strategy("tired", trades=0)
    why = "3 trainings in a row have failed"
    person.world.run(
        "UPDATE autoretrain.strategy_training SET paused_reason = %s WHERE strategy_id = %s",
        why,
        made,
    )
    page = window.tab(training_of(made))
    expect(page.get_by_text(f"Paused: {why}")).to_be_visible()
    window.picture(page, "training-paused")

    page.get_by_role("button", name="Resume").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()

    told(page, "Resumed.")
    expect(page.get_by_text(why)).to_be_hidden()
