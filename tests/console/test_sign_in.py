from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import Opens
from tests.console.site import Person, Site
from tests.console.supabase import EMAIL, HOUR, PASSWORD, Project
from tests.console.window import REFUSED, Window, training_of

EXPIRED = "created_at = now() - interval '2 days', expires_at = now() - interval '1 second'"
REVOKED = "revoked_at = now()"


@pytest.fixture
def project(site: Site) -> Iterator[Project]:
    yield site.project
    site.project.lasts_seconds, site.project.ended = HOUR, False


def sign_in_with_password(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in with e-mail").click()


def test_token_that_is_wrong_is_refused_in_words(window: Window) -> None:
    window.expected = (REFUSED,)
    page = window.stranger()
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()

    page.get_by_label("API token").fill("arp_nobody00_" + "A" * 43)
    page.get_by_role("button", name="Sign in", exact=True).click()

    refusal = "This token is not accepted: it is wrong, expired or revoked."
    expect(page.get_by_role("alert")).to_have_text(refusal)
    window.picture(page, "sign-in-refused")


@pytest.mark.parametrize("fate", [EXPIRED, REVOKED], ids=["expired", "revoked"])
def test_token_that_ends_leads_to_sign_in_and_back(
    window: Window, person: Person, fate: str
) -> None:
    window.expected = (REFUSED,)
    made = person.strategy("momentum", trades=0)
    page = window.tab()

    ended = f"UPDATE autoretrain.api_tokens SET {fate} WHERE user_id = %s"
    person.world.run(ended, person.user_id)
    window.go(page, f"#/strategies/{made}")

    expect(page.get_by_role("alert")).to_contain_text("Your token is not accepted any more")
    expect(page.get_by_text("momentum")).to_be_hidden()
    window.picture(page, "sign-in-again")
    person.renew()
    window.sign_in(page)
    expect(page.get_by_role("heading", name="momentum")).to_be_visible()


def test_token_is_kept_in_its_tab_only_and_until_its_person_signs_out(window: Window) -> None:
    page = window.tab()
    page.reload()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert window.person.token not in page.evaluate("JSON.stringify(localStorage)")
    assert window.context.cookies() == []
    other = window.stranger()
    expect(other.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert window.person.token not in page.evaluate("JSON.stringify(sessionStorage)")


def test_person_signs_in_at_the_supabase_project(
    opens: Opens, site: Site, project: Project
) -> None:
    person = site.person(project.user_id)
    person.strategy("of my account", trades=0)
    window = opens(person, expected=(REFUSED,))
    page = window.stranger()

    sign_in_with_password(page, "a wrong one")
    expect(page.get_by_role("alert")).to_contain_text("do not match an account")
    sign_in_with_password(page)

    expect(page.get_by_role("link", name="of my account")).to_be_visible()
    assert window.asked_of(project.url) == ["/auth/v1/token?grant_type=password"] * 2


def test_web_token_is_renewed_until_the_project_ends_the_session(
    opens: Opens, site: Site, project: Project
) -> None:
    person = site.person(project.user_id)
    made = person.strategy("long lived", trades=0)
    window = opens(person, expected=(REFUSED,))
    page = window.stranger()
    project.lasts_seconds = 30  # so that every request renews it
    sign_in_with_password(page)
    page.get_by_role("link", name="long lived").click()
    expect(page.get_by_role("heading", name="long lived")).to_be_visible()
    assert "/auth/v1/token?grant_type=refresh_token" in window.asked_of(project.url)

    project.ended = True
    window.go(page, training_of(made))

    expect(page.get_by_role("alert")).to_contain_text("Your sign-in has expired")
