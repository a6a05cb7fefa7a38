"""What people change: what is live, what runs, what the settings are. Each in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2.extras import Json as Jsonb

from autoretrain.domain.control import ByHand, Standing, activation_by_hand
from autoretrain.domain.json import Json
from autoretrain.domain.notifications import Topic
from autoretrain.domain.runs import LIVE, Status
from autoretrain.errors import Conflict, Invalid, Unknown
from autoretrain.storage.activation import Promotion, put_live
from autoretrain.storage.database import Database, Transaction
from autoretrain.storage.endings import notify
from autoretrain.storage.features import refuse_unknown_weights
from autoretrain.storage.locking import enrolled_strategy

SETTINGS = (
    "activation_mode",
    "degradation_rule",
    "new_trades_threshold",
    "degradation_ratio",
    "degradation_window",
    "degradation_min_trades",
    "max_age_days",
    "model_max_age_days",
    "feature_drift_psi",
    "feature_weights",
    "allowed_features",
)
OWN_SETTINGS = ("ml_training_enabled", "ml_min_trades_for_training")
"""Those that live in the user's own table."""


class Control:
    """Every method raises Unknown for what is not the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def activate(
        self, user_id: UUID, strategy_id: UUID, version: str, *, force: bool, why: str
    ) -> None:
        """Put the version live: pinned, unless it is the waiting challenger. Raises Conflict."""

        def work(tx: Transaction) -> None:
            enrolled_strategy(tx, user_id, strategy_id)
            strategy = tx.one("lock_strategy", strategy_id=strategy_id)
            model = tx.one("model_to_activate", strategy_id=strategy_id, version=version)
            if strategy is None or model is None:
                raise Unknown("version")
            by_hand = activation_by_hand(_standing(tx, strategy, model), force=force)
            _put_live(tx, strategy, model, by_hand, user_id, why)

        self._database.transaction(work)

    def unpin(self, user_id: UUID, strategy_id: UUID) -> None:
        def work(tx: Transaction) -> None:
            enrolled_strategy(tx, user_id, strategy_id)
            strategy = tx.one("lock_strategy", strategy_id=strategy_id)
            if strategy is not None and tx.run("unpin", strategy_id=strategy_id):
                _log(tx, strategy_id, strategy.champion, "unpinned by hand", user_id)

        self._database.transaction(work)

    def resume(self, user_id: UUID, strategy_id: UUID) -> None:
        def work(tx: Transaction) -> None:
            enrolled_strategy(tx, user_id, strategy_id)
            tx.one("lock_strategy", strategy_id=strategy_id)
            tx.run("resume_strategy", strategy_id=strategy_id)

        self._database.transaction(work)

    def cancel(self, user_id: UUID, run_id: UUID) -> None:
        """Raises Conflict for a run that has ended otherwise."""

        def work(tx: Transaction) -> None:
            run = tx.one("own_run", run_id=run_id, user_id=user_id)
            if run is None:
                raise Unknown("run")
            tx.one("lock_strategy", strategy_id=run.strategy_id)
            now = tx.one("run_under_lock", run_id=run_id)
            if now is None or now.status not in {*LIVE, Status.CANCELLED}:
                raise Conflict("not_running", "the training has ended: there is nothing to cancel")
            tx.run("cancel_run", run_id=run_id)

        self._database.transaction(work)

    def change_settings(self, user_id: UUID, strategy_id: UUID, changes: Mapping[str, Any]) -> None:
        """Change what is named, and nothing else. Raises Invalid, or Conflict where the user's own
        table does not take it."""

        def work(tx: Transaction) -> None:
            enrolled_strategy(tx, user_id, strategy_id)
            strategy = tx.one("lock_strategy", strategy_id=strategy_id)
            _refuse_contradiction(strategy, changes)
            refuse_unknown_weights(tx, strategy_id, changes.get("feature_weights"))
            tx.run("change_settings", strategy_id=strategy_id, **_ours(changes))
            if changes.keys() & set(OWN_SETTINGS):
                _change_own(tx, user_id, strategy_id, changes)

        self._database.transaction(work)


def _standing(tx: Transaction, strategy: Any, model: Any) -> Standing:
    champion = None
    if strategy.champion is not None:
        names = {"strategy_id": strategy.strategy_id, "version": strategy.champion}
        champion = tx.one("model_to_activate", **names)
    return Standing(
        version=model.version,
        rival=model.rival,
        awaiting_approval=model.awaiting_approval,
        created_at=model.created_at,
        champion=strategy.champion,
        champion_created_at=champion.created_at if champion else None,
        pinned_version=strategy.pinned_version,
    )


def _put_live(
    tx: Transaction, strategy: Any, model: Any, by_hand: ByHand, user_id: UUID, why: str
) -> None:
    names = {"strategy_id": strategy.strategy_id, "version": model.version}
    tx.run("no_more_waiting", **names)
    if by_hand.pins:
        tx.run("pin", **names, user_id=user_id)
    told = f"{by_hand.why}: {why}" if why else by_hand.why
    if model.version == strategy.champion:
        if by_hand.pins:
            _log(tx, strategy.strategy_id, model.version, told, user_id)
        return
    shown = tx.one("versions", strategy_id=strategy.strategy_id)
    promotion = Promotion(
        version=model.version,
        previous_version=strategy.champion or (shown.shown if shown else None),
        performance=model.performance,
        why=told,
        activated_by=user_id,
    )
    put_live(tx, strategy.strategy_id, promotion, _now(tx))
    payload: Json = {
        "version": model.version,
        "previous_version": promotion.previous_version,
        "run_id": None,
        "reason": None,
        "why": told,
        "verdict": None,
        "by": str(user_id),
    }
    notify(tx, Topic.MODEL_ACTIVATED, strategy.strategy_id, payload)


def _log(tx: Transaction, strategy_id: UUID, version: str, why: str, user_id: UUID) -> None:
    """The same version stays active, but what keeps it so has changed."""
    tx.run(
        "log_activation",
        strategy_id=strategy_id,
        version=version,
        previous_version=version,
        run_id=None,
        activated_by=user_id,
        why=why,
        now=_now(tx),
    )


def _now(tx: Transaction) -> datetime:
    row: Any = tx.one("database_time")
    now: datetime = row.now
    return now


def _refuse_contradiction(strategy: Any, changes: Mapping[str, Any]) -> None:
    least = changes.get("degradation_min_trades", strategy.degradation_min_trades)
    window = changes.get("degradation_window", strategy.degradation_window)
    if least > window:
        raise Invalid(
            f"degradation_min_trades: must be at most degradation_window, which is {window}"
        )


def _ours(changes: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {name: changes.get(name) for name in SETTINGS}
    for nullable in ("model_max_age_days", "feature_drift_psi"):
        given[f"{nullable}_given"] = nullable in changes
    if given["feature_weights"] is not None:
        given["feature_weights"] = Jsonb(dict(given["feature_weights"]))
    return given


def _change_own(
    tx: Transaction, user_id: UUID, strategy_id: UUID, changes: Mapping[str, Any]
) -> None:
    given = {name: changes.get(name) for name in OWN_SETTINGS}
    try:
        tx.run("change_own_settings", user_id=user_id, strategy_id=strategy_id, **given)
    except (
        psycopg2.errors.FeatureNotSupported,
        psycopg2.errors.ObjectNotInPrerequisiteState,
        psycopg2.errors.GeneratedAlways,
        psycopg2.errors.WithCheckOptionViolation,
        psycopg2.errors.RaiseException,  # a trigger of the user's own
        psycopg2.DataError,
        psycopg2.IntegrityError,
    ) as exc:
        raise Conflict(
            "not_writable",
            f"public.ai_strategies does not take {' and '.join(OWN_SETTINGS)}: make them plain"
            " columns of a simple view, or change them where they come from",
        ) from exc
