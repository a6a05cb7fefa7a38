"""A bot whose clock stands still, and whose model polls only when a test asks for it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from autoretrain_client import ActiveModel, Client
from tests.unit.client.published import API, FakeApi
from tests.unit.trainer.trade_stream import STRATEGY

TOKEN = "arp_abcdefgh_secret"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
RARELY = 3600.0
TRADE = {"rsi": 0.4, "volume": 1.0, "adx": -0.2}


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Bot:
    """Starts active models on one API; a poll happens only when a test asks for it."""

    api: FakeApi = field(default_factory=FakeApi)
    clock: Clock = field(default_factory=Clock)
    closing: ExitStack = field(default_factory=ExitStack)

    def start(self, **options: Any) -> ActiveModel:
        transport = self.api.transport()
        client = self.closing.enter_context(Client(API, TOKEN, transport=transport))
        given: dict[str, Any] = {"poll_seconds": RARELY, "transport": transport, "now": self.clock}
        model = ActiveModel(client, STRATEGY, **given | options)
        return self.closing.enter_context(model)
