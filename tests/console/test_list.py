from __future__ import annotations

from playwright.sync_api import expect

from tests.console.site import Person
from tests.console.window import Window, told

MANY = 5000
SCRIPT = "<script>alert(1)</script>"


def make_many(person: Person) -> None:
    person.world.run(
        "INSERT INTO public.ai_strategies (id, user_id, name, ml_training_enabled)"
        " SELECT gen_random_uuid(), %s, 'strategy ' || lpad(n::text, 4, '0'), true"
        " FROM generate_series(1, %s) AS n",
        person.user_id,
        MANY,
    )
    person.world.run(
        "INSERT INTO autoretrain.strategy_training (strategy_id)"
        " SELECT id FROM public.ai_strategies WHERE user_id = %s",
        person.user_id,
    )


def test_list_of_thousands_is_searched_sorted_and_paged(window: Window, person: Person) -> None:
    make_many(person)
    page = window.tab()
    links = page.get_by_role("table", name="Strategies").get_by_role("link")
    pages = page.get_by_role("navigation", name="Pages of the list")
    expect(links).to_have_count(25)
    expect(links.first).to_have_text("strategy 0001")
    window.picture(page, "list-of-thousands")

    page.get_by_role("button", name="Next").click()
    expect(pages).to_contain_text("26 to 50")
    expect(links.first).to_have_text("strategy 0026")
    page.get_by_role("button", name="Previous").click()
    expect(links.first).to_have_text("strategy 0001")

    page.get_by_role("button", name="Strategy", exact=False).click()
    expect(links.first).to_have_text("strategy 5000")

    page.get_by_role("searchbox", name="Search strategies").fill("Y 471")
    expect(links).to_have_count(10)
    expect(links.first).to_have_text("strategy 4719")
    links.first.click()
    page.get_by_role("link", name="Strategies").click()
    expect(page.get_by_role("searchbox")).to_have_value("Y 471")
    expect(links).to_have_count(10)

    page.get_by_role("searchbox").fill("nobody")
    expect(page.get_by_text("No strategy is called “nobody”.")).to_be_visible()


def test_name_that_is_a_script_is_only_a_name(window: Window, person: Person) -> None:
    made = person.strategy(SCRIPT, trades=0)
    page = window.tab()
    alerts: list[str] = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))

    page.get_by_role("link", name=SCRIPT).click()
    expect(page.get_by_role("heading", name=SCRIPT)).to_be_visible()
    expect(page).to_have_title(f"{SCRIPT} · AI Studio · auto-retrain")
    window.go(page, f"#/strategies/{made}/training")
    page.get_by_role("button", name="Check now").click()
    told(page, "Checked.")
    page.get_by_role("link", name="Strategies").click()
    page.get_by_role("searchbox").fill(SCRIPT)
    expect(page.get_by_role("row", name=SCRIPT)).to_be_visible()
    window.picture(page, "list-with-a-script")

    assert alerts == []


def test_empty_list_says_how_to_begin(window: Window) -> None:
    page = window.tab()
    expect(page.get_by_text("No strategies yet.")).to_be_visible()
    window.picture(page, "list-empty")


def test_strategy_of_somebody_else_is_not_shown(window: Window, person: Person) -> None:
    window.expected = (r"Failed to load resource: .* 404",)
    others = Person(person.url, person.world).strategy("secret", trades=0)

    page = window.tab(f"#/strategies/{others}")

    expect(page.get_by_role("alert")).to_contain_text("or it is somebody else's")
    expect(page.get_by_text("secret")).to_be_hidden()
    window.picture(page, "strategy-unknown")
