"""A stand-in for the configured Supabase project: it knows one person, and signs web tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from autoretrain_local.gateway.answer import Answer
from autoretrain_local.gateway.event import Request
from autoretrain_local.gateway.server import Server
from tests.signers import JWT_SECRET, signed

ANON_KEY = "sb_publishable_for_tests"
EMAIL, PASSWORD = "ada@example.org", "correct horse"
HOUR = 3600

_CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Headers", "apikey, content-type"),
)


@dataclass
class Project:
    """`lasts_seconds` is what it says of the tokens that it gives; `ended` ends all sessions."""

    url: str = ""
    user_id: UUID = field(default_factory=uuid4)
    lasts_seconds: int = HOUR
    ended: bool = False

    @property
    def issuer(self) -> str:
        return f"{self.url}/auth/v1"

    def answer(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return Answer(204, _CORS)
        known = request.header("apikey") == ANON_KEY and self._knows(request)
        return _json(200, self._granted()) if known else _json(400, {"code": "invalid_credentials"})

    def _knows(self, request: Request) -> bool:
        asked = json.loads(request.body)
        match request.query:
            case "grant_type=password":
                return bool(asked == {"email": EMAIL, "password": PASSWORD})
            case "grant_type=refresh_token":
                return not self.ended
        return False

    def _granted(self) -> dict[str, Any]:
        return {
            "access_token": signed(JWT_SECRET, "HS256", iss=self.issuer, sub=str(self.user_id)),
            "refresh_token": "whoever has this",
            "expires_in": self.lasts_seconds,
        }


def _json(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status, (*_CORS, ("Content-Type", "application/json")), json.dumps(body).encode())


@contextmanager
def supabase() -> Iterator[Project]:
    known = Project()
    with Server(known.answer, 0) as server:
        known.url = server.url
        yield known
