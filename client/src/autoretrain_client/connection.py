"""Where the API is and who asks: what was given, or what the environment says."""

from __future__ import annotations

import os
from ipaddress import ip_address

import httpx

from autoretrain_client.errors import NotConfigured

DEFAULT_URL = "http://127.0.0.1:8001"


def url(given: str | None) -> httpx.URL:
    """The API's URL. Raises NotConfigured for one that would not keep the token secret."""
    name, text = _named("url", given)
    try:
        found = httpx.URL(text or DEFAULT_URL)
    except httpx.InvalidURL as exc:
        raise NotConfigured(f"{name} is no URL") from exc
    if found.scheme not in ("http", "https") or not found.host or found.userinfo:
        raise NotConfigured(
            f"{name} must be https://host…, or http:// on this machine, without user or password"
        )
    if found.scheme == "http" and not is_loopback(found.host):
        raise NotConfigured(
            f"{name} is http://{found.host}…, and everybody on the way could read the token:"
            " use https://, or a loopback address such as http://127.0.0.1:8001"
        )
    return found


def token(given: str | None) -> str:
    """The token. Raises NotConfigured."""
    name, text = _named("token", given)
    found = text.strip()
    if not found:
        raise NotConfigured(
            "no token: set AUTORETRAIN_TOKEN; `make run` keeps one in .local/token (export"
            " AUTORETRAIN_TOKEN=$(cat .local/token)), and with the database of a deployment"
            " `autoretrain tokens create --user-id … --name …` makes a user's first one"
        )
    if not may_be_token(found):
        raise NotConfigured(f"{name} holds characters that no token has: copy it again")
    return found


def may_be_token(text: str) -> bool:
    """Whether a header can carry it; one that cannot is refused with an error that shows it."""
    return text.isascii() and text.isprintable() and " " not in text


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, whoever else is listening."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _named(name: str, given: str | None) -> tuple[str, str]:
    """The setting, and what it is called where it comes from."""
    variable = f"AUTORETRAIN_{name.upper()}"
    return (name, given) if given else (variable, os.environ.get(variable, ""))
