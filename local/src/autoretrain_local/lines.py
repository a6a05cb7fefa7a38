"""Cuts what a log writes into lines."""

from __future__ import annotations

from collections.abc import Callable

Hear = Callable[[str], None]


class Lines:
    """A stream that hands over whole lines."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._hear(line)
        return len(text)

    def flush(self) -> None:
        """Lines are handed over as soon as they are whole."""
