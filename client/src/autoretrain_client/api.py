"""What both clients can be asked: each method is described once, and typed for either of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from autoretrain_client import calls, trainings
from autoretrain_client.answers import Page
from autoretrain_client.calls import Call
from autoretrain_client.talks import Said

if TYPE_CHECKING:
    from autoretrain_client.client import AsyncClient, Client

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
Item = TypeVar("Item")


class Answered(Generic[Asked, Answer]):
    """A method that gives the answer; that of `AsyncClient` is awaited."""

    def __init__(self, describe: Callable[Asked, Said[Answer]]) -> None:
        self._describe = describe

    @overload
    def __get__(self, client: None, owner: type) -> Callable[Asked, Said[Answer]]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[Asked, Answer]: ...
    @overload
    def __get__(
        self, client: AsyncClient, owner: type
    ) -> Callable[Asked, Coroutine[Any, Any, Answer]]: ...
    def __get__(self, client: Client | AsyncClient | None, owner: type) -> Any:
        return self._describe if client is None else _method(self._describe, client.hold)


class Listed(Generic[Asked, Item]):
    """A method that gives the items of a paged list, one by one, asking for pages on the way."""

    def __init__(self, describe: Callable[Asked, Call[Page[Item]]]) -> None:
        self._describe = describe

    @overload
    def __get__(self, client: None, owner: type) -> Callable[Asked, Call[Page[Item]]]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[Asked, Iterator[Item]]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[Asked, AsyncIterator[Item]]: ...
    def __get__(self, client: Client | AsyncClient | None, owner: type) -> Any:
        return self._describe if client is None else _method(self._describe, client.walk)


class Api:
    """The API's calls. All of them raise `errors.AutoRetrainClientError`."""

    health = Answered(calls.health)

    strategies = Listed(calls.strategies)
    strategy = Answered(calls.strategy)
    change_settings = Answered(calls.change_settings)

    check = Answered(trainings.check)
    retrain = Answered(trainings.retrain)
    train = Answered(trainings.train)
    run = Answered(calls.run)
    runs = Listed(calls.runs)
    wait = Answered(trainings.wait)
    cancel = Answered(calls.cancel)

    active_model = Answered(calls.active_model)
    models = Listed(calls.models)
    model = Answered(calls.model)
    activate = Answered(calls.activate)
    unpin = Answered(calls.unpin)
    resume = Answered(calls.resume)

    decisions = Listed(calls.decisions)
    activations = Listed(calls.activations)
    performance = Answered(calls.performance)

    tokens = Listed(calls.tokens)
    create_token = Answered(calls.create_token)
    revoke_token = Answered(calls.revoke_token)


def _method(describe: Callable[..., Any], send: Callable[[Any], Any]) -> Callable[..., Any]:
    def method(*args: Any, **kwargs: Any) -> Any:
        return send(describe(*args, **kwargs))

    return update_wrapper(method, describe)
