"""Decides how many requests a route takes."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class Bucket:
    """A token bucket: `burst` requests at once, then `rate_per_second`; `clock` counts seconds."""

    def __init__(self, rate_per_second: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate_per_second
        self._burst = burst
        self._clock = clock
        self._lock = Lock()
        self._left = float(burst)
        self._at = clock()

    def take(self) -> bool:
        """Whether there is room for one more request now."""
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
