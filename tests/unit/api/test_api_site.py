from __future__ import annotations

import base64
from pathlib import Path

import pytest

from autoretrain.services.health import Problem
from autoretrain_api.routes import site
from tests.unit.api.conftest import Api


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A console with a page, a script and a picture."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "secret.txt").write_text("secret")
    (assets / "main-1a2b.js").write_text("console.log(1)")
    (assets / "logo.png").write_bytes(b"\x89PNG\xff")
    (assets / "folder").mkdir()
    monkeypatch.setattr(site, "CONSOLE", tmp_path)
    return tmp_path


def test_health_is_ok_when_nothing_is_wrong(api: Api) -> None:
    told = api.call("GET", "/health")

    assert (told.status, told.json) == (200, {"ok": True, "version": "0.1.0", "problems": []})


def test_health_names_what_is_wrong(api: Api) -> None:
    api.people.health.found = [Problem("db_unavailable", "the database does not answer")]

    told = api.call("GET", "/health")

    assert (told.status, told.json["ok"]) == (503, False)
    assert told.json["problems"][0]["code"] == "db_unavailable"


def test_the_page_says_where_the_contract_is_and_runs_nothing(api: Api) -> None:
    told = api.call("GET", "/")

    assert told.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'href="/openapi.json"' in told.text
    assert "<script" not in told.text
    policy = told.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_an_asset_is_served_under_its_type(api: Api, console: Path) -> None:
    script = api.call("GET", "/assets/main-1a2b.js")
    picture = api.call("GET", "/assets/logo.png")

    assert (script.text, script.headers["Content-Type"]) == (
        "console.log(1)",
        "text/javascript; charset=utf-8",
    )
    assert picture.headers["Content-Type"] == "image/png"
    assert base64.b64decode(picture.text) == b"\x89PNG\xff"


@pytest.mark.parametrize(
    "name", ["other.js", "..", "%2e%2e%2fsecret.txt", "..%2fsecret.txt", "folder", "MAIN-1A2B.JS"]
)
def test_an_asset_is_404_when_no_file_has_exactly_that_name(
    api: Api, console: Path, name: str
) -> None:
    told = api.call("GET", f"/assets/{name}")

    assert (told.status, told.code) == (404, "unknown_file")


def test_an_asset_is_404_when_there_is_no_console_yet(api: Api) -> None:
    assert api.call("GET", "/assets/main.js").code == "unknown_file"
