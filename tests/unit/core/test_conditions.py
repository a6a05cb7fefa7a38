from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoretrain.domain.conditions import Condition, Decision, decide
from autoretrain.domain.degradation import Calls, Record
from autoretrain.domain.drift import Spread
from autoretrain.domain.models import Policy, RecentTrades, Snapshot

AS_OF = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = ["initial_training", "new_trades", "performance_degradation", "weekly_schedule"]
POLICY = Policy()
TRAINED_YESTERDAY = Snapshot(
    strategy_id=UUID(int=1),
    user_id=UUID(int=2),
    name="momentum",
    as_of=AS_OF,
    checkable=True,
    policy=POLICY,
    total_trades=100,
    new_trades=0,
    model_version="v1",
    trained_at=AS_OF - timedelta(days=1),
    expected_accuracy=0.60,
)
NEVER_TRAINED: dict[str, Any] = {"model_version": None, "trained_at": None, "new_trades": 100}
DEGRADED = RecentTrades(count=50, wins=10)


def decision(policy: Policy = POLICY, **changes: Any) -> Decision:
    return decide(replace(TRAINED_YESTERDAY, **changes), policy)


def condition(name: str, policy: Policy = POLICY, **changes: Any) -> Condition:
    [found] = [one for one in decision(policy, **changes).conditions if one.name == name]
    return found


def by_rule(degradation: Condition, rule: str) -> dict[str, Any]:
    figures = degradation.figures[rule]
    assert isinstance(figures, dict)
    return figures


def fired(decided: Decision) -> list[str]:
    return [one.name for one in decided.conditions if one.fired]


def row(case: str, *values: object) -> Any:
    return pytest.param(*values, id=case)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        row("99 trades", NEVER_TRAINED | {"total_trades": 99}, []),
        row("100 trades", NEVER_TRAINED, ["initial_training"]),
        row("trained before", {"total_trades": 100}, []),
        row(
            "trained and kept out",
            {"model_version": None, "new_trades": 50},
            ["new_trades"],
        ),
        row(
            "trained and kept out long ago",
            {"model_version": None, "trained_at": AS_OF - timedelta(days=8)},
            ["weekly_schedule"],
        ),
        row("49 new trades", {"new_trades": 49}, []),
        row("50 new trades", {"new_trades": 50}, ["new_trades"]),
        row("29 recent trades", {"recent": RecentTrades(29, 0)}, []),
        row("30 recent trades", {"recent": RecentTrades(30, 0)}, ["performance_degradation"]),
        row("90 % of expected", {"recent": RecentTrades(50, 27)}, []),
        row("below 90 %", {"recent": RecentTrades(50, 26)}, ["performance_degradation"]),
        row("7 days old", {"trained_at": AS_OF - timedelta(days=7)}, []),
        row(
            "7 days and a second",
            {"trained_at": AS_OF - timedelta(days=7, seconds=1)},
            ["weekly_schedule"],
        ),
        row("training time unknown", {"trained_at": None}, ["weekly_schedule"]),
    ],
)
def test_condition_fires_at_its_boundary_and_not_before(
    changes: dict[str, Any], expected: list[str]
) -> None:
    decided = decision(**changes)
    assert fired(decided) == expected
    assert decided.should_retrain == bool(expected)


def test_ninety_percent_of_expected_is_not_degraded_when_the_product_rounds_up() -> None:
    recent = RecentTrades(count=50, wins=36)
    degradation = condition("performance_degradation", recent=recent, expected_accuracy=0.8)
    assert not degradation.fired


@pytest.mark.parametrize(
    "changes",
    [
        row("initial_training", NEVER_TRAINED),
        row("new_trades", {"new_trades": 60}),
        row("performance_degradation", {"recent": DEGRADED}),
        row("weekly_schedule", {"trained_at": AS_OF - timedelta(days=30)}),
        row("training time unknown", {"trained_at": None}),
    ],
)
def test_no_condition_fires_below_the_minimum_of_trades(changes: dict[str, Any]) -> None:
    assert fired(decision(**changes)) != []
    decided = decision(**changes | {"total_trades": 99})
    assert fired(decided) == []
    assert decided.outcome == "too_few_trades"
    assert decided.reason == "too few trades: 99 of 100"


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        row(
            "new trades first",
            {
                "new_trades": 50,
                "recent": DEGRADED,
                "trained_at": AS_OF - timedelta(days=8),
            },
            NAMES[1:],
        ),
        row(
            "then degradation",
            {"recent": DEGRADED, "trained_at": AS_OF - timedelta(days=8)},
            NAMES[2:],
        ),
        row("weekly last", {"trained_at": AS_OF - timedelta(days=8)}, NAMES[3:]),
        row("a first training stands alone", NEVER_TRAINED, NAMES[:1]),
    ],
)
def test_first_condition_that_fires_names_the_reason(
    changes: dict[str, Any], names: list[str]
) -> None:
    decided = decision(**changes)
    assert fired(decided) == names
    assert decided.outcome == names[0]


@pytest.mark.parametrize(
    ("policy", "changes", "reason"),
    [
        row(
            "first training",
            POLICY,
            NEVER_TRAINED,
            "initial training: 100+ trades, no model yet",
        ),
        row("50 trades", POLICY, {"new_trades": 63}, "50+ new trades since last training"),
        row(
            "80 trades",
            Policy(new_trades=80),
            {"new_trades": 80},
            "80+ new trades since last training",
        ),
        row(
            "degradation",
            POLICY,
            {"recent": RecentTrades(50, 20)},
            "performance degradation: win rate 40.0% over the last 50 trades is below 54.0%"
            " (90% of expected 60.0%)",
        ),
        row(
            "weekly",
            POLICY,
            {"trained_at": AS_OF - timedelta(days=8.3)},
            "weekly schedule: last training 8.3 days ago (limit 7)",
        ),
    ],
)
def test_reason_says_it_in_plain_english(
    policy: Policy, changes: dict[str, Any], reason: str
) -> None:
    assert decision(policy, **changes).reason == reason


def test_reason_says_why_not_for_every_condition_when_nothing_is_due() -> None:
    decided = decision(new_trades=17, recent=RecentTrades(17, 9))
    assert decided.outcome == "nothing_due"
    assert decided.reason == (
        "17 of 50 new trades since last training;"
        " performance: not enough evidence (17 of 30); last training 1.0 days ago (limit 7)"
    )


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        row(
            "too few recent trades",
            {"recent": RecentTrades(29, 0)},
            "not enough evidence (29 of 30)",
        ),
        row("no champion", {"model_version": None}, "no active model to degrade"),
        row(
            "champion without accuracy",
            {"recent": DEGRADED, "expected_accuracy": None},
            "the active model's performance has no accuracy to compare with",
        ),
    ],
)
def test_degradation_says_what_it_lacks(changes: dict[str, Any], line: str) -> None:
    degradation = condition("performance_degradation", **changes)
    assert degradation.fired is False
    assert degradation.line.startswith(f"{line} | ")


@pytest.mark.parametrize(
    ("recent", "quantity", "observed", "expected"),
    [
        row("no predictions", RecentTrades(50, 30), "win rate", 0.6, 0.6),
        row("29 predictions", RecentTrades(50, 30, 29, 0, 0.7), "win rate", 0.6, 0.6),
        row("30 predictions", RecentTrades(50, 30, 30, 24, 0.7), "accuracy", 0.8, 0.7),
        row("all predictions", RecentTrades(50, 30, 50, 10, 0.7), "accuracy", 0.2, 0.7),
    ],
)
def test_degradation_compares_like_with_like_when_thirty_trades_carry_predictions(
    recent: RecentTrades, quantity: str, observed: float, expected: float
) -> None:
    degradation = condition("performance_degradation", recent=recent)
    figures = by_rule(degradation, "ratio")
    assert figures["quantity"] == quantity
    assert figures["observed"] == pytest.approx(observed)
    assert figures["expected"] == pytest.approx(expected)
    assert degradation.fired == (observed < 0.9 * expected)
    assert quantity in degradation.line


@pytest.mark.parametrize(
    ("win_rate", "comparable"),
    [
        row("unknown", None, True),
        row("the same", 0.60, True),
        row("ten points below", 0.50, True),
        row("eleven points below", 0.49, False),
        row("eleven points above", 0.71, False),
    ],
)
def test_degradation_calls_the_comparison_unfair_when_accuracy_and_win_rate_differ(
    win_rate: float | None, comparable: bool
) -> None:
    degradation = condition(
        "performance_degradation", recent=RecentTrades(50, 30), expected_win_rate=win_rate
    )
    assert by_rule(degradation, "ratio")["comparable"] is comparable
    line = by_rule(degradation, "ratio")["line"]
    assert ("not a fair comparison" in line) is not comparable
    assert ("store model_version and win_probability" in line) is not comparable


def test_ten_points_are_fair_when_the_difference_rounds_up() -> None:
    degradation = condition(
        "performance_degradation",
        recent=RecentTrades(50, 40),
        expected_accuracy=0.8,
        expected_win_rate=0.7,
    )
    assert by_rule(degradation, "ratio")["comparable"] is True


def test_predictions_make_the_comparison_fair_whatever_the_win_rate() -> None:
    degradation = condition(
        "performance_degradation", recent=RecentTrades(50, 30, 40, 30, 0.7), expected_win_rate=0.1
    )
    assert by_rule(degradation, "ratio")["comparable"] is True


def test_figures_stay_json_when_a_bot_reports_a_probability_that_is_no_number() -> None:
    decided = decision(recent=RecentTrades(50, 30, 50, 30, float("nan")))
    json.dumps([asdict(one) for one in decided.conditions], allow_nan=False)


EXPECTED = (Calls(5, 200, 130),)
HELD = Record(EXPECTED, ((Calls(5, 50, 33),), (Calls(5, 30, 19),)))
BROKEN = Record(EXPECTED, ((Calls(5, 50, 20),), (Calls(5, 50, 19),)))
CALIBRATED = Policy(degradation_rule="calibrated")


@pytest.mark.parametrize(
    ("policy", "changes", "fires"),
    [
        row("ratio in force", POLICY, {"recent": DEGRADED, "record": HELD}, True),
        row("ratio not in force", CALIBRATED, {"recent": DEGRADED, "record": HELD}, False),
        row("test in force", CALIBRATED, {"record": BROKEN, "new_trades": 40}, True),
        row("test not in force", POLICY, {"record": BROKEN, "new_trades": 40}, False),
    ],
)
def test_degradation_fires_by_the_rule_in_force_and_shows_both(
    policy: Policy, changes: dict[str, Any], fires: bool
) -> None:
    degradation = condition("performance_degradation", policy, **changes)
    in_force = policy.degradation_rule
    other = {"ratio": "calibrated", "calibrated": "ratio"}[in_force]
    assert (degradation.fired, degradation.figures["rule"]) == (fires, in_force)
    assert by_rule(degradation, "ratio")["fired"] is ("recent" in changes)
    assert by_rule(degradation, "calibrated")["fired"] is ("new_trades" in changes)
    would = " would fire" if by_rule(degradation, other)["fired"] else ""
    lines = by_rule(degradation, in_force)["line"], by_rule(degradation, other)["line"]
    assert degradation.line == f"{lines[0]} | not in force: {other}{would}: {lines[1]}"


def test_calibrated_line_gives_the_figures_and_what_they_promise() -> None:
    degraded = decision(CALIBRATED, record=BROKEN, new_trades=40)
    broken = condition("performance_degradation", CALIBRATED, record=BROKEN)
    evidence = by_rule(broken, "calibrated")["evidence"]
    assert degraded.reason == (
        "performance degradation: accuracy 39.0% over the 100 trades since its activation,"
        " expected 65.0% from 200 judged trades: degraded, evidence"
        f" {evidence:.1f} of 20 (at most 5% false alarms within 500 trades)"
    )
    held = condition("performance_degradation", CALIBRATED, record=HELD)
    assert "not shown to be degraded" in held.line
    assert by_rule(held, "calibrated")["degraded"] is False


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        row("no champion", {"model_version": None}, "no active model to degrade"),
        row(
            "win rates only",
            {"recent": DEGRADED, "record": Record(EXPECTED)},
            "not comparable: store model_version and win_probability with each trade",
        ),
        row(
            "not judged",
            {"record": Record((), ((Calls(5, 50, 1),),))},
            "not comparable: the active model was not judged",
        ),
        row(
            "too few trades",
            {"record": Record(EXPECTED, ((Calls(5, 17, 0),),))},
            "not enough evidence (17 of 30)",
        ),
        row("no trades", {"record": Record(EXPECTED)}, "not enough evidence (0 of 30)"),
    ],
)
def test_calibrated_rule_says_what_it_lacks_and_never_fires_without_it(
    changes: dict[str, Any], line: str
) -> None:
    degradation = condition("performance_degradation", CALIBRATED, new_trades=49, **changes)
    assert degradation.fired is False
    assert degradation.line.startswith(f"{line} | not in force: ratio")


def test_calibrated_rule_waits_for_new_trades_after_a_training_that_kept_the_champion() -> None:
    waits = condition("performance_degradation", CALIBRATED, record=BROKEN, new_trades=29)
    assert waits.fired is False
    assert by_rule(waits, "calibrated")["degraded"] is True
    assert "; 29 of 30 trades since the last training | " in waits.line
    assert condition("performance_degradation", CALIBRATED, record=BROKEN, new_trades=30).fired


POLICIES = st.integers(30, 1000).flatmap(
    lambda window: st.builds(
        Policy,
        min_trades=st.integers(60, 1_000_000),
        new_trades=st.integers(1, 1000),
        degradation_ratio=st.floats(0, 1, exclude_min=True),
        degradation_window=st.just(window),
        degradation_min_trades=st.integers(10, window),
        degradation_rule=st.sampled_from(["ratio", "calibrated"]),
        max_age_days=st.floats(0, 3650, exclude_min=True),
        feature_drift_psi=st.none() | st.floats(0, 10, exclude_min=True),
    )
)
COUNTS = st.lists(st.integers(0, 300), min_size=4, max_size=4)
SPREADS = st.lists(
    st.builds(Spread, st.sampled_from(["rsi", "trend"]), COUNTS.filter(sum), COUNTS), max_size=3
).map(tuple)
CALLS = st.tuples(st.integers(0, 9), st.integers(0, 60), st.integers(0, 60)).map(
    lambda drawn: Calls(drawn[0], drawn[1], min(drawn[1:]))
)
RECORDS = st.builds(
    Record,
    st.lists(CALLS, max_size=3, unique_by=lambda calls: calls.tenth).map(tuple),
    st.lists(st.lists(CALLS, max_size=2).map(tuple), max_size=4).map(tuple),
)
SHARES = st.none() | st.floats(0, 1)
RECENT = st.tuples(*[st.integers(0, 200)] * 4, st.none() | st.floats(0.5, 1)).map(
    lambda drawn: RecentTrades(
        count=drawn[0],
        wins=min(drawn[0], drawn[1]),
        predicted=min(drawn[0], drawn[2]),
        correct=min(drawn[0], drawn[2], drawn[3]),
        mean_confidence=drawn[4],
    )
)
SNAPSHOTS = st.builds(
    Snapshot,
    strategy_id=st.just(UUID(int=1)),
    user_id=st.just(UUID(int=2)),
    name=st.text(max_size=5),
    as_of=st.just(AS_OF),
    checkable=st.just(True),
    policy=st.just(POLICY),
    total_trades=st.integers(0, 200) | st.integers(0, 1_000_000),
    new_trades=st.integers(0, 10_000),
    recent=RECENT,
    record=RECORDS,
    spreads=SPREADS,
    model_version=st.sampled_from([None, "v1"]),
    trained_at=st.none()
    | st.timedeltas(timedelta(days=-1), timedelta(days=400)).map(lambda age: AS_OF - age),
    expected_accuracy=SHARES,
    expected_win_rate=SHARES,
)


@given(SNAPSHOTS, POLICIES)
def test_decision_evaluates_every_condition_that_is_on_and_follows_them(
    snapshot: Snapshot, policy: Policy
) -> None:
    decided = decide(snapshot, policy)
    on = policy.feature_drift_psi is not None
    assert [one.name for one in decided.conditions] == [*NAMES, *["feature_drift"] * on]
    assert all(one.line and one.figures for one in decided.conditions)
    assert decided.should_retrain == bool(fired(decided))
    assert decided.outcome in [*fired(decided)[:1], "too_few_trades", "nothing_due"]
    assert decided.reason
    json.dumps([asdict(one) for one in decided.conditions], allow_nan=False)


@given(SNAPSHOTS, POLICIES)
def test_decision_is_no_when_a_training_has_just_finished(
    snapshot: Snapshot, policy: Policy
) -> None:
    unseen = tuple(replace(spread, newest=(0, 0, 0, 0)) for spread in snapshot.spreads)
    finished = replace(
        snapshot, trained_at=AS_OF, new_trades=0, recent=RecentTrades(), spreads=unseen
    )
    assert not decide(finished, policy).should_retrain
