from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from autoretrain.domain.gate import ActivationMode
from autoretrain.domain.models import Assignment, Champion
from autoretrain.domain.publishing import Terms, rules_for

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOBODY = UUID(int=0)


def assignment(champion_age: timedelta | None, manual: bool = False) -> Assignment:
    champion = None
    if champion_age is not None:
        champion = Champion("v1", "k", "0" * 64, "1" * 64, NOW, NOW - champion_age)
    return Assignment(
        run_id=NOBODY,
        strategy_id=NOBODY,
        user_id=NOBODY,
        strategy_name="Swing",
        reason="new_trades",
        fence=1,
        attempt=1,
        manual=manual,
        force=False,
        min_trades=100,
        feature_weights={},
        champion=champion,
    )


@pytest.mark.parametrize(
    ("age", "degraded", "stale"),
    [
        (timedelta(days=7), False, False),
        (timedelta(days=7, seconds=1), False, True),
        (timedelta(days=1), True, True),
        (None, False, False),
    ],
)
def test_champion_is_stale_once_it_is_older_than_the_weekly_condition_allows_or_degraded(
    age: timedelta | None, degraded: bool, stale: bool
) -> None:
    terms = Terms(ActivationMode.IF_NOT_WORSE, max_age_days=7, degraded=degraded)

    assert rules_for(assignment(age), terms, NOW).champion_is_stale is stale


def test_rules_are_those_of_the_strategy_and_of_whoever_asked() -> None:
    terms = Terms(ActivationMode.APPROVE, 7, pinned_version="v3", pinned_since=NOW)

    rules = rules_for(assignment(None, manual=True), terms, NOW)

    assert (rules.mode, rules.manual) == (ActivationMode.APPROVE, True)
    assert (rules.pinned_version, rules.pinned_since) == ("v3", NOW)
