from __future__ import annotations

import base64
import gzip
from pathlib import Path

import pytest

from autoretrain.services.health import Problem
from tests.unit.api.conftest import Api, Told

ISSUER = "https://project.supabase.co/auth/v1"
SCRIPT = b"console.log(1)"


@pytest.fixture(autouse=True)
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A console with a page, a script that is gzipped too, and a picture that is not."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><html><head></head></html>")
    (tmp_path / "secret.txt").write_text("secret")
    (assets / "main-1a2b.js").write_bytes(SCRIPT)
    (assets / "main-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "logo.png").write_bytes(b"\x89PNG\xff")
    (assets / "folder").mkdir()
    monkeypatch.setenv("CONSOLE_DIR", str(tmp_path))
    return tmp_path


def content(told: Told) -> bytes:
    return base64.b64decode(told.text)


def test_health_is_ok_when_nothing_is_wrong(api: Api) -> None:
    told = api.call("GET", "/health")

    assert (told.status, told.json) == (200, {"ok": True, "version": "0.1.0", "problems": []})


def test_health_names_what_is_wrong(api: Api) -> None:
    api.people.health.found = [Problem("db_unavailable", "the database does not answer")]

    told = api.call("GET", "/health")

    assert (told.status, told.json["ok"]) == (503, False)
    assert told.json["problems"][0]["code"] == "db_unavailable"


def test_the_page_may_run_nothing_inline_and_ask_nobody_else(api: Api) -> None:
    told = api.call("GET", "/")

    assert told.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = told.headers["Content-Security-Policy"].split("; ")
    assert "script-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in told.headers["Content-Security-Policy"]


def test_a_page_that_is_known_is_not_sent_again_and_keeps_its_policy(api: Api) -> None:
    first = api.call("GET", "/")

    again = api.call("GET", "/", headers={"if-none-match": first.headers["ETag"]})

    assert (again.status, again.text, first.headers["Cache-Control"]) == (304, "", "no-cache")
    policy = "Content-Security-Policy"
    assert again.headers[policy] == first.headers[policy]


def test_the_page_is_told_where_people_sign_in_and_may_ask_there(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = api.call("GET", "/")
    monkeypatch.setenv("JWT_ISSUER", ISSUER)
    monkeypatch.setenv("SUPABASE_ANON_KEY", 'public"><script>')

    told = api.call("GET", "/")

    assert f'<meta name="sign-in-url" content="{ISSUER}">' in told.text
    assert 'content="public&quot;&gt;&lt;script&gt;">' in told.text
    policy = told.headers["Content-Security-Policy"]
    assert "connect-src 'self' https://project.supabase.co;" in policy
    assert told.headers["ETag"] != plain.headers["ETag"]


def test_nobody_is_named_when_the_project_has_no_key(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_ISSUER", ISSUER)

    told = api.call("GET", "/")

    assert '<meta name="sign-in-url" content="">' in told.text
    assert "supabase" not in told.headers["Content-Security-Policy"]


def test_the_page_says_how_to_build_the_console_when_there_is_none(api: Api, console: Path) -> None:
    (console / "index.html").unlink()

    told = api.call("GET", "/")

    assert "make console" in told.text
    assert 'href="/openapi.json"' in told.text
    assert api.call("GET", "/assets/main-1a2b.js").code == "unknown_file"


def test_the_page_says_how_to_build_the_console_when_no_folder_is_named(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONSOLE_DIR")

    assert "make console" in api.call("GET", "/").text


def test_an_asset_is_served_gzipped_and_for_ever(api: Api) -> None:
    told = api.call("GET", "/assets/main-1a2b.js", headers={"accept-encoding": "br, gzip"})

    assert gzip.decompress(content(told)) == SCRIPT
    assert told.headers["Content-Encoding"] == "gzip"
    assert told.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert told.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert told.headers["Vary"] == "Accept-Encoding"


def test_an_asset_is_served_as_it_is_to_whoever_takes_no_gzip(api: Api) -> None:
    script = api.call("GET", "/assets/main-1a2b.js")
    picture = api.call("GET", "/assets/logo.png", headers={"accept-encoding": "gzip"})

    assert (content(script), content(picture)) == (SCRIPT, b"\x89PNG\xff")
    assert picture.headers["Content-Type"] == "image/png"
    assert "Content-Encoding" not in script.headers | picture.headers


@pytest.mark.parametrize(
    "name", ["other.js", "..", "%2e%2e%2fsecret.txt", "..%2fsecret.txt", "folder", "MAIN-1A2B.JS"]
)
def test_an_asset_is_404_when_no_file_has_exactly_that_name(api: Api, name: str) -> None:
    told = api.call("GET", f"/assets/{name}")

    assert (told.status, told.code) == (404, "unknown_file")
