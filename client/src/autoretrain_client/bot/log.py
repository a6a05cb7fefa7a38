"""Decides what a bot's log hears of its model: each thing once, not with every poll or trade."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from threading import Lock
from uuid import UUID

_log = logging.getLogger("autoretrain_client")

_NAMED = 10


class Log:
    """What has been logged of one strategy's model; threads may share it."""

    def __init__(self, strategy_id: UUID) -> None:
        self._whose = f"Active model of {strategy_id}"
        self._failing: str | None = None
        self._unfed: set[str | None] = set()
        self._predicting = Lock()

    def loaded(self, version: str | None) -> None:
        """Another version is used from now on."""
        _log.info("%s: %s", self._whose, version)

    def warn(self, told: str) -> None:
        """Something failed that no poll repeats."""
        _log.warning("%s: %s", self._whose, told)

    def poll_failed(self, told: str) -> None:
        """Logged where the poll before did not fail with the same words."""
        if told != self._failing:
            self.warn(told)
        self._failing = told

    def poll_succeeded(self) -> None:
        """Logged, as loud as the failure was, where the poll before failed."""
        if self._failing is not None:
            self.warn("answers again")
        self._failing = None

    def nothing_given(
        self, version: str | None, given: Iterable[str], wanted: Iterable[str]
    ) -> None:
        """A trade came without any feature that the model knows; logged once per version."""
        with self._predicting:
            known = version in self._unfed
            self._unfed.add(version)
        if not known:
            self.warn(
                f"none of the features that {version} wants was given: given {_some(given)};"
                f" wanted {_some(wanted)}"
            )


def _some(names: Iterable[str]) -> str:
    listed = [str(name) for name in names]
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(map(repr, listed[:_NAMED])) + more if listed else "none"
