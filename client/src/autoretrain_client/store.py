"""Downloads what lies in the model store, by addresses that hold their own short-lived token."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

import httpx

from autoretrain_client.errors import ModelRefused, Unavailable

LARGEST_MANIFEST_BYTES = 8 * 2**20
LARGEST_REPORT_BYTES = 8 * 2**20
_DOWNLOAD_SECONDS = 30.0


@contextmanager
def open_store(transport: httpx.BaseTransport | None) -> Iterator[httpx.Client]:
    """A client of its own: the store must not be shown the API's token, and whoever a redirect
    leads to is not the store that the API has named."""
    store = httpx.Client(
        transport=transport,
        timeout=_DOWNLOAD_SECONDS,
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
    )
    with store, unlogged():
        yield store


def content(store: httpx.Client, url: str | None, what: str, most_bytes: int) -> bytes:
    """What lies there. Raises Unavailable, and ModelRefused for more bytes than that."""
    try:
        with store.stream("GET", url or "") as response:
            if not response.is_success:
                raise Unavailable(f"the model store answers {response.status_code} for the {what}")
            return _read(response, what, most_bytes)
    except (httpx.RequestError, httpx.InvalidURL) as exc:
        # Without its cause, which knows the URL.
        raise Unavailable(f"the {what} cannot be downloaded: {type(exc).__name__}") from None


def check(content: bytes, sha256: str | None, what: str) -> None:
    """Raises ModelRefused for other bytes than those that were published."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelRefused(f"the {what} is not the one that was published: its sha256 differs")


def _read(response: httpx.Response, what: str, most_bytes: int) -> bytes:
    content = bytearray()
    for chunk in response.iter_raw():  # as it is stored: unpacked, a little may be very much
        content += chunk
        if len(content) > most_bytes:
            raise ModelRefused(f"the {what} is longer than {most_bytes:,} bytes, all it may have")
    return bytes(content)


@contextmanager
def unlogged() -> Iterator[None]:
    """httpx logs every URL that it opens; whoever reads one of the store's has the model."""
    logger, me = logging.getLogger("httpx"), get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != me

    logger.addFilter(of_others)
    try:
        yield
    finally:
        logger.removeFilter(of_others)
