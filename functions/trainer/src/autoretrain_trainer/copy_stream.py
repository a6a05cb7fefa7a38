"""Decodes PostgreSQL's binary COPY while it streams, into one integer matrix and nothing else.

Format: PostgreSQL documentation, COPY, "Binary Format".
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from autoretrain.errors import InternalError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
TRAILER = b"\xff\xff"
_FIXED_HEADER_BYTES = len(SIGNATURE) + 8


class CopyStream(io.RawIOBase):
    """A sink for rows of `fields` values of 8 bytes each, none NULL, at most `rows` of them.

    The values are kept as the bits that were sent: a float8 column is read by a view.
    """

    def __init__(self, fields: int, rows: int) -> None:
        self._row = np.dtype(
            [("count", ">i2"), ("fields", [("length", ">i4"), ("value", ">i8")], (fields,))]
        )
        # Memory that is never written to is never taken from the machine.
        self._values = np.empty((fields, rows), dtype=np.int64)
        self._rows = 0
        self._pending = b""
        self._in_header = True

    def writable(self) -> bool:
        return True

    def write(self, chunk: ReadableBuffer) -> int:
        """Take the next bytes, however they were cut. Raises InternalError for another format.

        A refused chunk changes nothing: a buffer in front, which sends it again when it is
        closed, is told the same.
        """
        received = bytes(chunk)
        pending = self._pending + received
        header = _header_bytes(pending) if self._in_header else 0
        if header is not None:
            pending = self._without_rows(pending[header:])
            self._in_header = False
        self._pending = pending
        return len(received)

    def values(self) -> NDArray[np.int64]:
        """All rows, shape (fields, rows). Raises InternalError when the stream was cut short."""
        if self._in_header or self._pending != TRAILER:
            raise InternalError("The stream of trades ended before its trailer.")
        return self._values[:, : self._rows]

    def _without_rows(self, pending: bytes) -> bytes:
        count = len(pending) // self._row.itemsize
        if count:
            self._keep(np.frombuffer(pending, self._row, count))
        return pending[count * self._row.itemsize :]

    def _keep(self, table: NDArray[np.void]) -> None:
        fields = table["fields"]
        if (table["count"] != len(self._values)).any() or (fields["length"] != 8).any():
            raise InternalError("The stream of trades has a row of another shape.")
        end = self._rows + len(table)
        if end > self._values.shape[1]:
            raise InternalError("The stream of trades has more rows than were asked for.")
        self._values[:, self._rows : end] = fields["value"].T
        self._rows = end


def _header_bytes(pending: bytes) -> int | None:
    """How long the header is, None while that is not known or not all of it is here."""
    if len(pending) < _FIXED_HEADER_BYTES:
        return None
    if not pending.startswith(SIGNATURE):
        raise InternalError("The stream of trades is not PostgreSQL binary COPY.")
    extension = int.from_bytes(pending[_FIXED_HEADER_BYTES - 4 : _FIXED_HEADER_BYTES], "big")
    whole = _FIXED_HEADER_BYTES + extension
    return whole if len(pending) >= whole else None
