"""Owns which model a bot uses now: polls, swaps, and keeps what it has when that fails."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Self
from uuid import UUID

import httpx

from autoretrain_client.bot.cache import Cache
from autoretrain_client.bot.prediction import Prediction, Status
from autoretrain_client.bot.source import Held, Source, open_artifact
from autoretrain_client.client import Client
from autoretrain_client.errors import AutoRetrainClientError, Unavailable

_log = logging.getLogger("autoretrain_client")

_POLLS_UNTIL_STALE = 3
_CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _State:
    """Everything a prediction looks at, replaced as one."""

    held: Held | None = None
    loaded_at: datetime | None = None
    last_success_at: datetime | None = None
    error: Exception | None = None

    def stale(self, now: datetime, after: timedelta) -> bool:
        return self.last_success_at is None or now - self.last_success_at > after

    def expired(self, now: datetime) -> bool:
        return self.held is not None and self.held.expired(now)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ActiveModel:
    """A strategy's active model, kept up to date by a thread of its own; threads may share it.

    The constructor waits for the first load, at most `first_load_seconds`; when it fails, that is
    told by `last_error`, or with `require`, where the cache has nothing either, raised.
    `cache` is a folder that lets the verified model survive a restart while the API is down.
    `stale_after_seconds` without a successful poll (three polls, unless given) are told by every
    prediction. Raises AutoRetrainClientError with `require`; ValueError for an id that is no UUID.
    """

    def __init__(
        self,
        client: Client,
        strategy_id: UUID | str,
        *,
        poll_seconds: float = 60.0,
        stale_after_seconds: float | None = None,
        first_load_seconds: float = 30.0,
        require: bool = False,
        cache: Path | str | None = None,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        if poll_seconds <= 0:
            raise ValueError("poll_seconds must be above 0")
        self.strategy_id = UUID(str(strategy_id))
        self._source = Source(client, self.strategy_id, transport)
        self._cache = None if cache is None else Cache(Path(cache), str(self.strategy_id))
        self._poll_seconds = poll_seconds
        if stale_after_seconds is None:
            stale_after_seconds = _POLLS_UNTIL_STALE * poll_seconds
        self._stale_after = timedelta(seconds=stale_after_seconds)
        self._now = now
        self._state = self._cached()
        self._polling, self._polled, self._closed = Lock(), Event(), Event()
        # A daemon: a bot that forgets to close its model ends all the same.
        self._thread = Thread(target=self._keep_polling, name="active-model", daemon=True)
        self._thread.start()
        self._polled.wait(first_load_seconds)
        if require:
            self._require()

    def predict(
        self, features: Mapping[str, Any], *, side: str | None = None, symbol: str | None = None
    ) -> Prediction:
        """The chance that a trade wins, at once, whatever the network does.

        `features` by name, in any order: one that is absent, None or infinite is missing to the
        model, one that it does not know is left out. `side` is long, buy, short or sell. Raises
        TypeError for a feature that is no number, ValueError for another side.
        """
        state, now = self._state, self._now()
        stale, expired, held = state.stale(now, self._stale_after), state.expired(now), state.held
        if held is None:
            return Prediction(None, None, "none", stale, expired)
        if held.model is None or expired:
            rate = held.pointer.base_rate
            return Prediction(rate, None, "none" if rate is None else "base_rate", stale, expired)
        chance = held.model.win_probability(features, side, symbol)
        return Prediction(chance, held.pointer.version, "model", stale, expired)

    @property
    def status(self) -> Status:
        """How things stand, without asking anybody."""
        state, now = self._state, self._now()
        pointer = None if state.held is None else state.held.pointer
        return Status(
            version=None if pointer is None else pointer.version,
            loaded_at=state.loaded_at,
            last_success_at=state.last_success_at,
            stale=state.stale(now, self._stale_after),
            expired=state.expired(now),
            below_base_rate=pointer is not None and bool(pointer.below_base_rate),
            error=None if state.error is None else _told(state.error),
        )

    @property
    def last_error(self) -> Exception | None:
        """What the last poll failed with, None if it did not."""
        return self._state.error

    def refresh(self) -> Status:
        """Poll once, now. A failure is told by the status, and changes nothing else."""
        with self._polling:
            before = self._state
            try:
                held = self._source.newest(before.held)
            except Exception as exc:  # whatever it is, a bot goes on with what it has
                self._fail(exc)
            else:
                self._adopt(before, held)
        return self.status

    def close(self) -> None:
        """Stop polling. Predictions go on with the last model, and get stale."""
        self._closed.set()
        self._thread.join(_CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _keep_polling(self) -> None:
        self.refresh()
        self._polled.set()
        # Not in step with the other bots that were started with this one.
        while not self._closed.wait(self._poll_seconds * random.uniform(0.9, 1.1)):  # noqa: S311
            self.refresh()

    def _adopt(self, before: _State, held: Held) -> None:
        now = self._now()
        swapped = before.held is None or held.model is not before.held.model
        self._state = _State(held, now if swapped else before.loaded_at, last_success_at=now)
        if swapped:
            _log.info("Active model of %s: %s", self.strategy_id, held.pointer.version)
        if self._cache is not None and held is not before.held:
            self._keep(self._cache, held)

    def _keep(self, cache: Cache, held: Held) -> None:
        try:
            cache.write(held.pointer, held.artifact)
        except OSError as exc:
            self._fail(exc)

    def _cached(self) -> _State:
        try:
            found = None if self._cache is None else _reopened(self._cache)
        except (AutoRetrainClientError, OSError) as exc:
            return _State(error=exc)
        return _State() if found is None else _State(found, self._now())

    def _fail(self, error: Exception) -> None:
        self._state = replace(self._state, error=error)
        _log.warning("Active model of %s: %s", self.strategy_id, _told(error))

    def _require(self) -> None:
        state = self._state
        if state.held is None:
            self._closed.set()
            raise state.error or Unavailable("the first load takes too long")


def _reopened(cache: Cache) -> Held | None:
    kept = cache.read()
    return None if kept is None else open_artifact(*kept)


def _told(error: Exception) -> str:
    if isinstance(error, AutoRetrainClientError):
        return str(error)
    return f"{type(error).__name__}: {error}"
