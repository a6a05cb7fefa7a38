"""An API that answers what a test has written down, asked by either client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from autoretrain_client import AsyncClient, Client

URL = "https://api.test/prod"
TOKEN = "arp_abcdefgh_secret"
STRATEGY = "00000000-0000-0000-0000-000000000001"
RUN = "00000000-0000-0000-0000-000000000002"

Answer = httpx.Response | type[httpx.RequestError]


def answer(json: Any = None, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=json, headers=named)


def refusal(status: int, code: str = "code", message: str = "message", **headers: str) -> Any:
    """As the project's own code refuses."""
    error = {"code": code, "message": message, "request_id": "r-1"}
    return answer({"error": error}, status, **headers)


@dataclass
class Script:
    """What comes of each request in turn; the last goes on for ever."""

    answers: Sequence[Answer] = ()
    requests: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(found, httpx.Response):
            return httpx.Response(found.status_code, headers=found.headers, content=found.content)
        raise found("it did not work", request=request)

    def said(self) -> list[str]:
        return [f"{each.method} {each.url.raw_path.decode()}" for each in self.requests]

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


Ask = Callable[..., Any]


def ask(script: Script, name: str, *args: Any, **kwargs: Any) -> Any:
    """The answer that `Client` gives; a list of items where there are several."""
    transport = httpx.MockTransport(script.handle)
    with Client(URL, TOKEN, transport=transport, sleep=script.slept.append) as client:
        found = getattr(client, name)(*args, **kwargs)
        return list(found) if hasattr(found, "__next__") else found


def ask_async(script: Script, name: str, *args: Any, **kwargs: Any) -> Any:
    """The same of `AsyncClient`."""

    async def run() -> Any:
        transport = httpx.MockTransport(script.handle)
        async with AsyncClient(URL, TOKEN, transport=transport, sleep=script.sleep) as client:
            found = getattr(client, name)(*args, **kwargs)
            if hasattr(found, "__anext__"):
                return [item async for item in found]
            return await found

    return asyncio.run(run())


def run(status: str = "running", **changes: Any) -> dict[str, Any]:
    """A training as the API writes it."""
    written: dict[str, Any] = {
        "id": RUN,
        "strategy_id": STRATEGY,
        "status": status,
        "reason": "50+ new trades since last training",
        "manual": True,
        "force": False,
        "attempt": 1,
        "queued_at": "2026-11-16T10:00:00Z",
        "running_at": None,
        "finished_at": None,
        "phase": "fitting",
        "round": 10,
        "rounds": 60,
        "training_seconds": None,
        "min_trades": 100,
        "feature_weights": {"rsi": 2},
        "rows_used": None,
        "rows_dropped": None,
        "outcome": None,
        "line": None,
        "model_version": None,
        "activated": None,
        "error": None,
    }
    return written | changes


def retrain(training_run: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    """What the three training routes answer."""
    written: dict[str, Any] = {
        "should_retrain": True,
        "reason": "50+ new trades since last training",
        "retrained": False,
        "model": None,
        "training_run": training_run,
        "not_started": None,
    }
    return written | changes


def model(version: str = "v2", **changes: Any) -> dict[str, Any]:
    """A stored model as the API writes it."""
    written: dict[str, Any] = {
        "version": version,
        "created_at": "2026-11-16T10:01:00Z",
        "is_active": True,
        "awaiting_approval": False,
        "below_base_rate": False,
        "outcome": "better",
        "line": "log-loss 0.508 → 0.460 on 57 trades",
        "accuracy": 0.68,
        "roc_auc": None,
        "improvement": 0.03,
        "log_loss": 0.46,
        "log_loss_improvement": 0.048,
        "judged_rows": 57,
        "training_samples": 800,
        "data_cutoff": "2026-11-16T09:00:00Z",
        "rival": "v1",
        "run_id": RUN,
    }
    return written | changes


def report(version: str = "v2") -> dict[str, Any]:
    """A model with its whole verdict."""
    return model(version) | {
        "verdict": {"z": 1.5},
        "sha256": "a" * 64,
        "manifest_sha256": "b" * 64,
        "judged_sha256": "c" * 64,
        "refit_disagrees": False,
        "manifest_url": "https://store.test/v2/manifest.json?signature=secret",
        "report_url": "https://store.test/v2/report.json?signature=secret",
        "report": None,
        "url_expires_at": "2026-11-16T10:15:00Z",
    }


def decision() -> dict[str, Any]:
    """A decision as the API writes it."""
    return {
        "id": 7,
        "decided_at": "2026-11-16T10:00:00Z",
        "slot": "2026-11-16T10:00:00Z",
        "should_retrain": True,
        "outcome": "started",
        "reason": "50+ new trades since last training",
        "conditions": [
            {"name": "new_trades", "fired": True, "line": "54 of 50", "figures": {"new_trades": 54}}
        ],
    }


def strategy() -> dict[str, Any]:
    """A strategy as the API writes it."""
    return {
        "id": STRATEGY,
        "name": "Breakout",
        "is_active": True,
        "ml_model_version": "v2",
        "ml_model_trained_at": "2026-11-16T10:00:00+00:00",
        "ml_model_performance": {"accuracy": 0.68},
        "settings": {
            "ml_training_enabled": True,
            "ml_min_trades_for_training": 100,
            "activation_mode": "if_better",
            "degradation_rule": "ratio",
            "new_trades_threshold": 50,
            "degradation_ratio": 0.9,
            "degradation_window": 50,
            "degradation_min_trades": 30,
            "max_age_days": 7,
            "model_max_age_days": None,
            "feature_drift_psi": None,
            "feature_weights": {"rsi": 1.5},
            "allowed_features": ["exit_fee"],
        },
        "champion": model(),
        "waiting": None,
        "pin": {"version": "v2", "since": "2026-11-16T11:00:00Z", "by": "somebody"},
        "paused_reason": None,
        "failures": 0,
        "next_eligible_at": None,
        "last_decision": decision(),
        "live_run": run(),
    }
