"""Every call of the API, described once: what is sent, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx

from autoretrain_client.answers import (
    Activation,
    CreatedToken,
    Decision,
    Health,
    Model,
    ModelReport,
    Page,
    Performance,
    Pointer,
    Run,
    Strategy,
    StrategySummary,
    Token,
)
from autoretrain_client.parsing import json_object, parse

Answer = TypeVar("Answer")
Item = TypeVar("Item")
Id = UUID | str
"""An identifier, as the API writes it or as answers hold it."""

LONGEST_WAIT_SECONDS = 25
"""As long as one request may wait for its training to end."""
LONGEST_PAGE = 200
_ATTEMPTS = 4


def _succeeded(response: httpx.Response) -> bool:
    return response.is_success


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One request and how to read its answer.

    `repeatable` calls may be sent again when nobody knows whether they were carried out.
    `wait_seconds` is how long the server may take beyond the usual, `wanted` how many items of a
    list are asked for, None for all.
    """

    method: str
    path: str
    read: Callable[[httpx.Response], Answer]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    answers: Callable[[httpx.Response], bool] = _succeeded
    attempts: int = _ATTEMPTS
    wait_seconds: int = 0
    wanted: int | None = None

    def waiting(self, seconds: float) -> Call[Answer]:
        """The same call, answered once the training has ended, or after so many seconds."""
        whole = int(min(seconds, LONGEST_WAIT_SECONDS))
        if whole < 1:
            return self
        return replace(
            self, headers={**self.headers, "Prefer": f"wait={whole}"}, wait_seconds=whole
        )


def given(**values: Any) -> dict[str, Any]:
    """The values that were given."""
    return {name: value for name, value in values.items() if value is not None}


def rest(call: Call[Page[Item]], page: Page[Item]) -> Call[Page[Item]] | None:
    """The call for what follows the page, None where nothing does or no more is wanted."""
    if page.next is None:
        return None
    follows = replace(call, query={**call.query, "cursor": page.next})
    if call.wanted is None:
        return follows
    left = call.wanted - len(page.items)
    return _limited(follows, left) if left > 0 else None


def reads(kind: type[Answer]) -> Callable[[httpx.Response], Answer]:
    """The reader of an answer of that kind."""
    return partial(_read, kind)


def health() -> Call[Health]:
    """Whether the deployment works, and what is wrong with it."""
    return Call("GET", "/health", reads(Health), answers=lambda r: "problems" in json_object(r))


def strategies(*, search: str = "", sort: str = "name") -> Call[Page[StrategySummary]]:
    """The caller's strategies whose name holds `search`.

    `sort` is `name` or `trained_at`, with a `-` in front for the other direction.
    """
    asked = given(search=search or None, sort=sort)
    return _list("/api/ai-strategies", Page[StrategySummary], **asked)


def strategy(strategy_id: Id) -> Call[Strategy]:
    """One strategy with its settings, its champion, its last decision and its live run."""
    return Call("GET", of_strategy(strategy_id), reads(Strategy))


def change_settings(strategy_id: Id, changes: Mapping[str, Any]) -> Call[Strategy]:
    """Change some of the strategy's settings, by the names of `answers.Settings`."""
    return Call("PATCH", of_strategy(strategy_id), reads(Strategy), body=dict(changes))


def models(strategy_id: Id) -> Call[Page[Model]]:
    """The strategy's models, newest first."""
    return _list(of_strategy(strategy_id, "models"), Page[Model])


def model(strategy_id: Id, version: str) -> Call[ModelReport]:
    """One model with its whole verdict."""
    return Call("GET", of_strategy(strategy_id, "models", version), reads(ModelReport))


def activate(
    strategy_id: Id, version: str, *, reason: str | None = None, force: bool = False
) -> Call[Strategy]:
    """Put a version live: the waiting one is approved, the live one stays as it is, any other one
    is pinned.

    `force` pins it whichever it is, also where the champion has changed since the verdict.
    """
    return Call(
        "POST",
        of_strategy(strategy_id, "models", version, "activate"),
        reads(Strategy),
        body=given(reason=reason, force=force),
        repeatable=False,
    )


def unpin(strategy_id: Id) -> Call[Strategy]:
    """Let trainings put models live again."""
    return Call("POST", of_strategy(strategy_id, "unpin"), reads(Strategy), repeatable=False)


def resume(strategy_id: Id) -> Call[Strategy]:
    """Take a paused strategy up again."""
    return Call("POST", of_strategy(strategy_id, "resume"), reads(Strategy), repeatable=False)


def active_model(strategy_id: Id, *, etag: str | None = None) -> Call[Pointer | None]:
    """Which model a bot is to use now; None where nothing has changed since `etag`."""
    return Call(
        "GET",
        of_strategy(strategy_id, "active-model"),
        _read_pointer,
        headers=given(**{"If-None-Match": etag}),
        answers=lambda response: response.is_success or response.status_code == 304,
    )


def decisions(strategy_id: Id) -> Call[Page[Decision]]:
    """What checks concluded, newest first, with every condition's figures."""
    return _list(of_strategy(strategy_id, "decisions"), Page[Decision])


def activations(strategy_id: Id) -> Call[Page[Activation]]:
    """What went live when, newest first."""
    return _list(of_strategy(strategy_id, "activations"), Page[Activation])


def runs(strategy_id: Id, *, limit: int | None = None) -> Call[Page[Run]]:
    """The strategy's trainings, newest first; at most `limit` of them."""
    whole = _list(of_strategy(strategy_id, "training-runs"), Page[Run])
    return whole if limit is None else _limited(whole, limit)


def performance(strategy_id: Id, *, weeks: int = 26) -> Call[Performance]:
    """The live win rate of each of the newest weeks."""
    path = of_strategy(strategy_id, "performance")
    return Call("GET", path, reads(Performance), query={"weeks": weeks})


def run(run_id: Id) -> Call[Run]:
    """One training, and how far it is."""
    return Call("GET", _path("training-runs", run_id), reads(Run))


def cancel(run_id: Id) -> Call[Run]:
    """Cancel a training: a queued one at once, a running one at its next heartbeat."""
    return Call("POST", _path("training-runs", run_id, "cancel"), reads(Run), repeatable=False)


def tokens() -> Call[Page[Token]]:
    """The caller's tokens, newest first."""
    return Call("GET", "/api/tokens", reads(Page[Token]))


def create_token(
    name: str, *, scopes: Sequence[str] | None = None, expires_in_days: int | None = None
) -> Call[CreatedToken]:
    """Create a token with some of the scopes of the one that asks."""
    body = given(name=name, scopes=scopes and list(scopes), expires_in_days=expires_in_days)
    return Call("POST", "/api/tokens", reads(CreatedToken), body=body, repeatable=False)


def revoke_token(token_id: str) -> Call[None]:
    """Make a token worthless."""
    return Call("DELETE", _path("api", "tokens", token_id), lambda _: None)


def _list(path: str, kind: type[Answer], **query: Any) -> Call[Answer]:
    return Call("GET", path, reads(kind), query={**query, "limit": LONGEST_PAGE})


def _limited(call: Call[Answer], wanted: int) -> Call[Answer]:
    page = min(wanted, LONGEST_PAGE)
    return replace(call, wanted=wanted, query={**call.query, "limit": page})


def of_strategy(strategy_id: Id, *parts: str) -> str:
    """The path of something of a strategy's."""
    return _path("api", "ai-strategies", strategy_id, *parts)


def _path(*parts: Id) -> str:
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


def _read(kind: type[Answer], response: httpx.Response) -> Answer:
    return parse(kind, json_object(response))


def _read_pointer(response: httpx.Response) -> Pointer | None:
    if response.status_code == 304:
        return None
    return parse(Pointer, {**json_object(response), "etag": response.headers.get("ETag")})
