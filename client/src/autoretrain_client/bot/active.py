"""Owns which model a bot uses now: polls, swaps, and keeps what it has when that fails."""

from __future__ import annotations

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
from autoretrain_client.bot.log import Log
from autoretrain_client.bot.model import Model
from autoretrain_client.bot.prediction import Prediction, Says, Status
from autoretrain_client.bot.source import Held, Source, open_artifact
from autoretrain_client.client import Client
from autoretrain_client.errors import AutoRetrainClientError, Unavailable

_POLLS_UNTIL_STALE = 3
_CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _State:
    """Everything a prediction looks at, replaced as one.

    `base_rate` is the newest that was heard, also where the model that came with it was refused.
    """

    held: Held | None = None
    base_rate: float | None = None
    loaded_at: datetime | None = None
    last_success_at: datetime | None = None
    error: Exception | None = None

    def stale(self, now: datetime, after: timedelta) -> bool:
        return self.last_success_at is None or now - self.last_success_at > after

    def expired(self, now: datetime) -> bool:
        return self.held is not None and self.held.expired(now)

    @property
    def version(self) -> str | None:
        return None if self.held is None else self.held.pointer.version

    @property
    def model(self) -> Model | None:
        return None if self.held is None else self.held.model

    @property
    def below_base_rate(self) -> bool:
        return self.held is not None and bool(self.held.pointer.below_base_rate)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ActiveModel:
    """A strategy's active model, kept up to date by a thread of its own; threads may share it.

    The constructor waits for the first load, at most `first_load_seconds`; when it fails, that is
    told by `last_error`, or with `require`, where the cache has nothing either, raised.
    `cache` is a folder that lets the verified model survive a restart while the API is down.
    `stale_after_seconds` without a successful poll (three polls, unless given), or none since the
    start, are told by every prediction. Raises AutoRetrainClientError with `require`; ValueError
    for an id that is no UUID.
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
        self.strategy_id = _id(strategy_id)
        self._log = Log(self.strategy_id)
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
        stale, expired = state.stale(now, self._stale_after), state.expired(now)
        rate, below = state.base_rate, state.below_base_rate
        if state.model is None or expired:
            says: Says = "none" if rate is None else "base_rate"
            return Prediction(rate, None, says, stale, expired, below, missing=0)
        chance, missing = state.model.score(features, side, symbol)
        wanted = state.model.columns.features
        if wanted and missing == len(wanted):
            self._log.nothing_given(state.version, features, wanted)
        return Prediction(chance, state.version, "model", stale, expired, below, missing)

    @property
    def status(self) -> Status:
        """How things stand, without asking anybody."""
        state, now = self._state, self._now()
        return Status(
            version=state.version,
            loaded_at=state.loaded_at,
            last_success_at=state.last_success_at,
            stale=state.stale(now, self._stale_after),
            expired=state.expired(now),
            below_base_rate=state.below_base_rate,
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
                pointer = self._source.pointer(before.held)
                # Known from here on, whatever becomes of the model.
                self._state = replace(before, base_rate=pointer.base_rate)
                held = self._source.follow(pointer, before.held)
            except Exception as exc:  # whatever it is, a bot goes on with what it has
                self._state = replace(self._state, error=exc)
                self._log.poll_failed(_told(exc))
            else:
                self._log.poll_succeeded()
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
        loaded_at = now if swapped else before.loaded_at
        self._state = _State(held, held.pointer.base_rate, loaded_at, last_success_at=now)
        if swapped:
            self._log.loaded(held.pointer.version)
        if self._cache is not None and held is not before.held:
            self._keep(self._cache, held)

    def _keep(self, cache: Cache, held: Held) -> None:
        try:
            cache.write(held.pointer, held.artifact)
        except OSError as exc:
            self._state = replace(self._state, error=exc)
            self._log.warn(_told(exc))

    def _cached(self) -> _State:
        try:
            found = None if self._cache is None else _reopened(self._cache)
        except (AutoRetrainClientError, OSError) as exc:
            return _State(error=exc)
        if found is None:
            return _State()
        return _State(found, found.pointer.base_rate, loaded_at=self._now())

    def _require(self) -> None:
        state = self._state
        if state.held is None:
            self._closed.set()
            raise state.error or Unavailable("the first load takes too long")


def _reopened(cache: Cache) -> Held | None:
    kept = cache.read()
    return None if kept is None else open_artifact(*kept)


def _id(text: UUID | str) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        wanted = "the id of the strategy, as `autoretrain strategies` shows it: a UUID"
        raise ValueError(f"strategy_id must be {wanted}, not {str(text)!r}") from None


def _told(error: Exception) -> str:
    if isinstance(error, AutoRetrainClientError):
        return str(error)
    return f"{type(error).__name__}: {error}"
