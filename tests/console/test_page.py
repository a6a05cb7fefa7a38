from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.console.site import Person, Site
from tests.console.window import Window, loaded, training_of

PAGE = Path(__file__).parents[2] / "docs/console.md"
MOST_SCRIPT_BYTES = 200_000
MOST_ASSETS = 4
MOST_SHIFT = 0.1
"""What Core Web Vitals call good: https://web.dev/articles/cls"""

SCRIPT_BYTES = """() => performance.getEntriesByType("resource")
    .filter(({initiatorType}) => initiatorType === "script")
    .reduce((sum, {encodedBodySize}) => sum + encodedBodySize, 0)"""
FIRST_PAINT = """() => performance.getEntriesByName("first-contentful-paint")[0].startTime"""
INJECTED = """async () => {
    const ran = [];
    window.run = (how) => ran.push(how);
    const ways = {
        handler: (image) => image.setAttribute("onerror", "run('handler')"),
        text: (_, script) => { script.textContent = "run('text')"; },
        node: (_, script) => script.append("run('node')"),
    };
    for (const way of Object.values(ways)) {
        const [image, script] = [document.createElement("img"), document.createElement("script")];
        try { way(image, script); } catch (refused) { continue; }
        const failed = new Promise((resolve) => image.addEventListener("error", resolve));
        image.src = "data:,";
        document.body.append(image, script);
        await failed;
    }
    return ran;
}"""
"""The ways in which script was run."""
WATCH_SHIFT = """window.shifted = 0;
new PerformanceObserver((list) => {
    for (const {value, hadRecentInput} of list.getEntries())
        if (!hadRecentInput) window.shifted += value;
}).observe({type: "layout-shift", buffered: true});"""


def test_page_is_small_and_paints_once_it_is_there(window: Window, figures: dict[str, str]) -> None:
    page = window.stranger()
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()

    script = page.evaluate(SCRIPT_BYTES)
    figures["script, gzipped"] = f"{script / 1000:.1f} kB"
    figures["first contentful paint"] = f"{page.evaluate(FIRST_PAINT):.0f} ms"

    assert 0 < script < MOST_SCRIPT_BYTES
    assert f"one script of {script / 1000:.0f} kB gzipped" in PAGE.read_text()
    assets = {path for path in window.asked_of(window.url) if path.startswith("/assets/")}
    assert len(assets) <= MOST_ASSETS


def test_page_does_not_jump_while_it_loads(
    window: Window, veteran: Person, figures: dict[str, str]
) -> None:
    window.person = veteran
    made = veteran.strategies["momentum"]
    page = window.tab()
    page.add_init_script(WATCH_SHIFT)
    shifts = {}
    for name, place in {"list": "#/", "training": training_of(made)}.items():
        window.go(page, place)
        page.reload()
        expect(page.get_by_text("v2").first).to_be_visible()
        loaded(page)
        shifts[name] = page.evaluate("window.shifted")
    figures["layout shift"] = ", ".join(f"{name} {value:.3f}" for name, value in shifts.items())

    assert max(shifts.values()) < MOST_SHIFT, shifts


def test_policy_names_the_supabase_project_and_nobody_else(window: Window, site: Site) -> None:
    with window.context.expect_event("response") as answered:
        window.stranger()
    policy = answered.value.headers["content-security-policy"]

    assert f"connect-src 'self' {site.project.url};" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_policy_keeps_script_that_gets_into_the_page_from_running(
    window: Window, site: Site
) -> None:
    window.expected = (".*",)
    page = window.stranger()
    elsewhere = f"http://localhost:{urlsplit(site.url).port}/health"

    assert page.evaluate(INJECTED) == []
    assert page.evaluate("url => fetch(url).then(() => true, () => false)", elsewhere) is False
