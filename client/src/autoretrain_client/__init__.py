"""The client of auto-retrain, for bots and people. Names are imported when they are first used: the
command does without most of them, and `ActiveModel` needs `autoretrain-client[bot]`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autoretrain_client.bot import ActiveModel, Prediction, Status
    from autoretrain_client.client import AsyncClient, Client
    from autoretrain_client.errors import AutoRetrainClientError

__all__ = [
    "ActiveModel",
    "AsyncClient",
    "AutoRetrainClientError",
    "Client",
    "Prediction",
    "Status",
]

_ROOMS = {
    "ActiveModel": "bot",
    "AsyncClient": "client",
    "AutoRetrainClientError": "errors",
    "Client": "client",
    "Prediction": "bot",
    "Status": "bot",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
