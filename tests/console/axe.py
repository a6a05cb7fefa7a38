"""Asks axe-core, as it is installed with the console, what a page lacks for people who need it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from autoretrain_local.account import CONSOLE

_AXE = CONSOLE.parent / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Page) -> list[str]:
    """Each rule that is broken, with the elements that break it."""
    session = page.context.new_cdp_session(page)  # the page's own policy forbids any other way
    session.send("Runtime.evaluate", {"expression": _AXE.read_text()})
    asked = {"expression": _RUN, "awaitPromise": True, "returnByValue": True}
    told = session.send("Runtime.evaluate", asked)
    session.detach()
    return [_said(broken) for broken in told["result"]["value"]]


_RUN = "axe.run({resultTypes: ['violations']}).then(({violations}) => violations)"


def _said(broken: dict[str, Any]) -> str:
    where = ", ".join(str(node["html"]) for node in broken["nodes"])
    return f"{broken['id']}: {broken['help']}: {where}"
