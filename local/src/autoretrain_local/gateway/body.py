"""Reads a request's body: by its length or in chunks, and never more than API Gateway takes."""

from __future__ import annotations

import re
from email.message import Message
from io import BufferedIOBase

MAX_BYTES = 10 * 1024 * 1024

_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LONGEST_LINE = 8_192
_MOST_TRAILERS = 100


class Unreadable(Exception):
    """The request is not HTTP as it should be."""


class TooLarge(Exception):
    """The body has more bytes than API Gateway takes."""


class Gone(Exception):
    """The client left in the middle of its request."""


def read_body(headers: Message, stream: BufferedIOBase) -> bytes:
    """Raises Unreadable, TooLarge and Gone; what the client still sends is then left unread."""
    lengths = set(headers.get_all("Content-Length", []))
    codings = [coding.strip().lower() for coding in headers.get_all("Transfer-Encoding", [])]
    if not codings:
        return _read(stream, _length(lengths))
    if codings != ["chunked"] or lengths:  # two lengths for one body: a smuggler's request
        raise Unreadable
    return _read_chunks(stream)


def _length(given: set[str]) -> int:
    if not given:
        return 0
    text = given.pop().strip()
    if given or not _LENGTH.fullmatch(text):
        raise Unreadable
    return int(text)


def _read(stream: BufferedIOBase, length: int) -> bytes:
    if length > MAX_BYTES:
        raise TooLarge
    body = stream.read(length)
    if len(body) < length:
        raise Gone
    return body


def _read_chunks(stream: BufferedIOBase) -> bytes:
    body = bytearray()
    while size := _chunk_size(_line(stream)):
        if len(body) + size > MAX_BYTES:
            raise TooLarge
        body += _read(stream, size)
        if _line(stream).strip():
            raise Unreadable
    for _ in range(_MOST_TRAILERS):
        if not _line(stream).strip():
            return bytes(body)
    raise Unreadable


def _chunk_size(line: bytes) -> int:
    found = _CHUNK_SIZE.fullmatch(line)
    if found is None:
        raise Unreadable
    return int(found[1], 16)


def _line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(_LONGEST_LINE)
    if not line:
        raise Gone
    return line
