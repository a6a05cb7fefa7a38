"""Owns the console's files: what each is served with, and what the page is told about sign-in."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from autoretrain.errors import Unknown
from autoretrain.settings import ConsoleSettings

UNBUILT = Path(__file__).parents[1] / "console"
"""One page that says how to build the console; served where no build is found."""

FOR_EVER = "public, max-age=31536000, immutable"
_HEAD = "<head>"
_TEXT = {"application/json", "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class File:
    """`encoding` is None where the bytes are what the media type says."""

    media_type: str
    content: bytes
    encoding: str | None


class Console:
    """What is in `CONSOLE_DIR`: `index.html`, and beside it `assets`, each file with its gzipped
    self."""

    def __init__(self, settings: ConsoleSettings) -> None:
        built = Path(settings.console_dir) if settings.console_dir else UNBUILT
        self._folder = built if (built / "index.html").is_file() else UNBUILT
        has_sign_in = settings.jwt_issuer and settings.supabase_anon_key
        self._sign_in_url = settings.jwt_issuer or "" if has_sign_in else ""
        self._sign_in_key = settings.supabase_anon_key or "" if has_sign_in else ""

    @cached_property
    def page(self) -> str:
        """The page, with where people sign in written into its head: it runs no inline script."""
        told = {"sign-in-url": self._sign_in_url, "sign-in-key": self._sign_in_key}
        lines = "".join(
            f'\n    <meta name="{name}" content="{escape(value)}">' for name, value in told.items()
        )
        page = (self._folder / "index.html").read_text(encoding="utf-8")
        return page.replace(_HEAD, _HEAD + lines, 1)

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.page.encode()).hexdigest()[:32]}"'

    @cached_property
    def policy(self) -> str:
        """Nothing inline, and nobody else is asked for anything but the Supabase project."""
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
            f" connect-src {' '.join(self._connects())}; frame-ancestors 'none'; base-uri 'none';"
            " form-action 'none'; require-trusted-types-for 'script'"
        )

    def asset(self, name: str, accepted: str) -> File:
        """`accepted` is the Accept-Encoding header. Raises Unknown."""
        media_type = _media_type(name)
        if "gzip" in accepted and (content := self._asset(f"{name}.gz")) is not None:
            return File(media_type, content, "gzip")
        if (content := self._asset(name)) is not None:
            return File(media_type, content, None)
        raise Unknown("file")

    def _connects(self) -> list[str]:
        issuer = urlsplit(self._sign_in_url)
        return ["'self'", f"{issuer.scheme}://{issuer.netloc}"] if issuer.netloc else ["'self'"]

    def _asset(self, name: str) -> bytes | None:
        folder = self._folder / "assets"
        found = folder.iterdir() if folder.is_dir() else ()
        # Compared by name and never joined to a path: nothing outside of the folder has a name.
        return next((path.read_bytes() for path in found if _is(path, name)), None)


def _is(path: Path, name: str) -> bool:
    return path.name == name and path.is_file()


def _media_type(name: str) -> str:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_text = media_type.startswith("text/") or media_type in _TEXT
    return f"{media_type}; charset=utf-8" if is_text else media_type
