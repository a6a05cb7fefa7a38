"""A person in front of a browser: what they look at, what it asked for, what it complained of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.console.site import Person

REFUSED = r"Failed to load resource: the server responded with a status of 40[013]"
UNREACHABLE = r"Failed to load resource: net::ERR_"


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def told(page: Page, text: str) -> None:
    """What was done is said where screen readers hear it."""
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def loaded(page: Page) -> None:
    """Nothing stands in for what is still to come."""
    expect(page.locator(".skeleton")).to_have_count(0)


def training_of(strategy_id: UUID) -> str:
    return f"#/strategies/{strategy_id}/training"


@dataclass
class Window:
    """Tabs of one person; every request and every complaint of theirs is written down.

    `expected` are complaints that the test brings about itself.
    """

    context: BrowserContext
    person: Person
    url: str
    pictures: Path
    expected: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.context.on("weberror", lambda wrong: self.complaints.append(str(wrong.error)))
        self.context.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )

    def tab(self, place: str = "#/") -> Page:
        """A tab at the address, its person signed in."""
        page = self.stranger(place)
        self.sign_in(page)
        return page

    def stranger(self, place: str = "#/") -> Page:
        page = self.context.new_page()
        page.goto(f"{self.url}/{place}")
        return page

    def sign_in(self, page: Page) -> None:
        page.get_by_label("API token").fill(self.person.token)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    def go(self, page: Page, place: str) -> None:
        page.goto(f"{self.url}/{place}")

    def picture(self, page: Page, name: str, whole: bool = True) -> None:
        page.screenshot(path=self.pictures / f"{name}.png", full_page=whole)

    def unexpected(self) -> list[str]:
        """What it complained of unasked."""
        return [
            said
            for said in self.complaints
            if not any(re.match(pattern, said) for pattern in self.expected)
        ]

    def asked_of(self, url: str) -> list[str]:
        """The paths of what it asked for there."""
        return [one.removeprefix(url) for one in self.asked if one.startswith(f"{url}/")]

    def strangers_asked(self, *known: str) -> list[str]:
        """Requests to anybody but the API and those who are known."""
        ours = (self.url, *known)
        return [url for url in self.asked if not url.startswith(tuple(f"{one}/" for one in ours))]
