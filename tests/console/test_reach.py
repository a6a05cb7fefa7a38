from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.console.axe import violations
from tests.console.bridge import Bridge
from tests.console.conftest import Opens
from tests.console.site import Person, Site
from tests.console.window import UNREACHABLE, panel, told


@pytest.fixture
def bridge(site: Site) -> Iterator[Bridge]:
    with Bridge(site.url) as way:
        yield way


def test_page_goes_on_by_itself_when_the_api_is_down_and_back(
    opens: Opens, person: Person, bridge: Bridge
) -> None:
    person.strategy("patient", trades=40)
    window = opens(person, bridge.url, expected=(UNREACHABLE,))
    page = window.tab()
    banner = page.get_by_role("alert").filter(has_text="Trying again; what you see may be old.")
    expect(page.get_by_role("link", name="patient")).to_be_visible()

    bridge.cut()
    page.get_by_role("link", name="patient").click()
    expect(banner).to_be_visible()
    expect(page.get_by_text("That did not get through: the API does not answer.")).to_be_visible()
    window.picture(page, "api-down")
    assert violations(page) == []
    bridge.mend()
    expect(page.get_by_role("heading", name="patient")).to_be_visible()
    expect(banner).to_be_hidden()

    page.get_by_role("tab", name="ML Training").click()
    expect(panel(page, "Retrain?")).to_contain_text("Not checked yet")
    bridge.cut()
    page.get_by_role("button", name="Check now").click()
    told(page, "That did not get through")
    expect(banner).to_be_visible()
    bridge.mend()
    expect(banner).to_be_hidden()
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("meter", name="First training")).to_be_visible()
