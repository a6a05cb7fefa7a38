"""People in memory: what the routes have asked of them, and rows like the database's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from autoretrain.domain.access import Scope, TokenRow
from autoretrain.domain.performance import Week
from autoretrain.domain.work import Idempotency, Wish
from autoretrain.errors import Unknown
from autoretrain.services.health import Problem
from autoretrain.services.retrain import Asked
from autoretrain.services.tokens import CreatedToken
from autoretrain.storage.reading import Page

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
USER = UUID("00000000-0000-0000-0000-000000000001")
STRATEGY = UUID("10000000-0000-0000-0000-000000000001")
RUN = UUID("20000000-0000-0000-0000-000000000001")


class Row(dict[str, Any]):
    """A row by its fields' names."""

    __getattr__ = dict.__getitem__

    def _asdict(self) -> dict[str, Any]:
        return dict(self)


def model(**changes: Any) -> Row:
    figures = ("accuracy", "roc_auc", "improvement", "log_loss", "log_loss_improvement")
    row = dict.fromkeys((*figures, "judged_rows", "training_samples", "data_cutoff", "run_id"))
    row |= {"version": "v2", "created_at": NOON, "is_active": True, "awaiting_approval": False}
    row |= {"below_base_rate": False, "outcome": "better", "line": "better", "rival": "v1"}
    return Row(row | changes)


def run(**changes: Any) -> Row:
    names = "running_at finished_at phase round rounds training_seconds min_trades feature_weights"
    names += " rows_used rows_dropped outcome line model_version activated error"
    row: dict[str, Any] = dict.fromkeys(names.split())
    row |= {"id": RUN, "strategy_id": STRATEGY, "status": "queued", "reason": "asked for"}
    row |= {"manual": False, "force": False, "attempt": 1, "queued_at": NOON}
    return Row(row | changes)


def strategy() -> Row:
    names = "ml_model_version ml_model_trained_at ml_model_performance champion waiting pin"
    names += " paused_reason next_eligible_at last_decision live_run"
    row: dict[str, Any] = dict.fromkeys(names.split())
    row |= {"id": STRATEGY, "name": "<script>", "is_active": True, "failures": 0}
    settings = {
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
        "allowed_features": [],
    }
    return Row(row | {"settings": settings})


class ActiveRow(NamedTuple):
    strategy_id: UUID = STRATEGY
    version: str | None = "v2"
    sha256: str | None = "a" * 64
    manifest_sha256: str | None = "b" * 64
    artifact_key: str | None = "models/u/s/v2"
    created_at: datetime | None = NOON
    below_base_rate: bool | None = False
    pinned: bool = False
    expires_at: datetime | None = None
    expired: bool = False
    base_rate: float | None = 0.51234
    base_rate_trades: int = 0


@dataclass
class FakeReading:
    """Holds one strategy of one user."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    active: ActiveRow = field(default_factory=ActiveRow)
    the_run: Row = field(default_factory=run)
    model_of_run: Row | None = None

    def strategies(
        self, user_id: UUID, search: str, sort: str, limit: int, cursor: str | None
    ) -> Page:
        self.asked.append((user_id, search, sort, limit, cursor))
        return Page([], None)

    def strategy(self, user_id: UUID, strategy_id: UUID) -> Row:
        self._own(user_id, strategy_id)
        return strategy()

    def models(self, user_id: UUID, strategy_id: UUID, limit: int, cursor: str | None) -> Page:
        self._own(user_id, strategy_id)
        return Page([model()], "v2")

    def model(self, user_id: UUID, strategy_id: UUID, version: str) -> Row:
        self._own(user_id, strategy_id)
        report: dict[str, Any] = {"verdict": {}, "artifact_key": "models/u/s/v2"}
        report |= {"sha256": "a", "manifest_sha256": "b", "judged_sha256": "c"}
        report |= {"refit_disagrees": False}
        return model(**report, version=version)

    def active_model(self, user_id: UUID, strategy_id: UUID) -> ActiveRow:
        self._own(user_id, strategy_id)
        return self.active

    def decisions(self, user_id: UUID, strategy_id: UUID, limit: int, cursor: str | None) -> Page:
        self._own(user_id, strategy_id)
        return Page([], None)

    def activations(self, user_id: UUID, strategy_id: UUID, limit: int, cursor: str | None) -> Page:
        self._own(user_id, strategy_id)
        return Page([], None)

    def runs(self, user_id: UUID, strategy_id: UUID, limit: int, cursor: str | None) -> Page:
        self._own(user_id, strategy_id)
        return Page([self.the_run], None)

    def run(self, user_id: UUID, run_id: UUID) -> Row:
        if (user_id, run_id) != (USER, RUN):
            raise Unknown("run")
        return self.the_run

    def retrain_model(self, user_id: UUID, run_id: UUID) -> Row | None:
        return self.model_of_run

    def performance(self, user_id: UUID, strategy_id: UUID, weeks: int) -> list[Week]:
        self._own(user_id, strategy_id)
        return [Week(date(2026, 3, 2), 40, 22, 1.5)]

    def _own(self, user_id: UUID, strategy_id: UUID) -> None:
        if (user_id, strategy_id) != (USER, STRATEGY):
            raise Unknown("strategy")


@dataclass
class FakeRetraining:
    asked: Asked = field(default_factory=lambda: Asked(True, "50+ new trades", RUN))
    keys: list[Idempotency | None] = field(default_factory=list)
    checks: list[bool] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def check(
        self, user_id: UUID, strategy_id: UUID, *, force: bool, idempotency: Idempotency | None
    ) -> Asked:
        if (user_id, strategy_id) != (USER, STRATEGY):
            raise Unknown("strategy")
        self.checks.append(force)
        self.keys.append(idempotency)
        return self.asked

    def train(self, user_id: UUID, wish: Wish, idempotency: Idempotency | None) -> Asked:
        if (user_id, wish.strategy_id) != (USER, STRATEGY):
            raise Unknown("strategy")
        self.wishes.append(wish)
        self.keys.append(idempotency)
        return self.asked

    def wait(self, user_id: UUID, run_id: UUID, seconds: float) -> None:
        self.waits.append(seconds)


@dataclass
class FakeControl:
    done: list[tuple[Any, ...]] = field(default_factory=list)

    def activate(
        self, user_id: UUID, strategy_id: UUID, version: str, *, force: bool, why: str
    ) -> None:
        self.done.append(("activate", strategy_id, version, force, why))

    def unpin(self, user_id: UUID, strategy_id: UUID) -> None:
        self.done.append(("unpin", strategy_id))

    def resume(self, user_id: UUID, strategy_id: UUID) -> None:
        self.done.append(("resume", strategy_id))

    def cancel(self, user_id: UUID, run_id: UUID) -> None:
        self.done.append(("cancel", run_id))

    def change_settings(self, user_id: UUID, strategy_id: UUID, changes: Mapping[str, Any]) -> None:
        self.done.append(("change", strategy_id, dict(changes)))


@dataclass
class FakeTokens:
    made: list[tuple[Any, ...]] = field(default_factory=list)

    def create(
        self,
        user_id: UUID,
        name: str,
        scopes: list[Scope] | None,
        lifetime: timedelta | None,
        granting: frozenset[Scope],
    ) -> CreatedToken:
        self.made.append((name, scopes, lifetime, granting))
        row = TokenRow("abcd1234", name, ["read"], NOON, None, None, None)
        return CreatedToken("arp_abcd1234_" + "s" * 43, row)

    def list(self, user_id: UUID) -> list[TokenRow]:
        return [TokenRow("abcd1234", "bot", ["read"], NOON, None, None, None)]

    def revoke(self, user_id: UUID, token_id: str) -> None:
        if token_id != "abcd1234":
            raise Unknown("token")


@dataclass
class FakeHealth:
    found: list[Problem] = field(default_factory=list)

    def problems(self) -> list[Problem]:
        return self.found


class FakeLinks:
    def url(self, key: str, seconds: int) -> str:
        return f"https://models.test/{key}?for={seconds}"


@dataclass
class FakeReports:
    found: dict[str, Any] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def of(self, artifact_key: str, manifest_sha256: str) -> dict[str, Any] | None:
        self.asked.append((artifact_key, manifest_sha256))
        return self.found


@dataclass
class FakePeople:
    reading: FakeReading = field(default_factory=FakeReading)
    retraining: FakeRetraining = field(default_factory=FakeRetraining)
    control: FakeControl = field(default_factory=FakeControl)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    health: FakeHealth = field(default_factory=FakeHealth)
    links: FakeLinks = field(default_factory=FakeLinks)
    reports: FakeReports = field(default_factory=FakeReports)
