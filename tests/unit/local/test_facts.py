from __future__ import annotations

import io
import json
from typing import Any

import pytest

from autoretrain_local.facts import Narrator, lines_of

NAMES = {"strategy": "RSI reversion", "strategy_id": "a1b744f3", "run_id": "r1"}
FINISHED = NAMES | {
    "message": "auto-retrain finished",
    "retrained": True,
    "activated": True,
    "outcome": "better",
    "reason": "50+ new trades since last training",
    "model_version": "v2",
    "previous_version": "v1",
    "accuracy": 0.6818,
    "improvement": 0.0299,
    "below_base_rate": False,
    "decided_by": "log-loss 0.655 → 0.629 on 55 trades, P(better) 0.98",
}


def test_activated_model_is_told_in_the_words_that_users_know() -> None:
    assert lines_of(FINISHED) == (
        "✅ Auto-retrained strategy: RSI reversion (a1b744f3)\n"
        "  reason: 50+ new trades since last training\n"
        "  model_version: v2\n"
        "  accuracy: 0.68\n"
        "  improvement: +0.03\n"
        "  decided by: log-loss 0.655 → 0.629 on 55 trades, P(better) 0.98"
    )


def test_kept_model_says_what_was_kept() -> None:
    kept = FINISHED | {"activated": False}
    first = {name: value for name, value in kept.items() if name != "previous_version"}

    assert lines_of(kept).startswith("➖ Auto-retrained strategy, kept v1: RSI reversion (")
    assert lines_of(first).startswith(
        "➖ Auto-retrained strategy, kept the base rate (no model is active): RSI reversion ("
    )


def test_start_of_a_check_is_told_in_two_lines() -> None:
    assert lines_of({"message": "auto-retrain check started", "strategies": 6}) == (
        "🔄 Auto-retrain check started\nChecking 6 strategy(ies) for auto-retraining"
    )


def test_skipped_strategy_gives_its_reason() -> None:
    decision = NAMES | {
        "message": "auto-retrain decision",
        "should_retrain": False,
        "reason": "too few trades: 86 of 100",
    }
    assert lines_of(decision) == (
        "⏭️  Skipped strategy: RSI reversion (a1b744f3)\n  reason: too few trades: 86 of 100"
    )


def told(*facts: dict[str, Any]) -> str:
    """The summary after a check of ten strategies and these facts."""
    narrator = Narrator(io.StringIO())
    for fact in ({"message": "auto-retrain check started", "strategies": 10}, *facts):
        narrator.hear(json.dumps(fact))
    return narrator.tally.line().removeprefix("🔄 Auto-retrain check complete: ")


def fact(message: str, run_id: str = "r1", **more: Any) -> dict[str, Any]:
    return NAMES | {"message": f"auto-retrain {message}", "run_id": run_id} | more


GIVEN_BACK = fact("given back", code="interrupted", why="asked to stop")


@pytest.mark.parametrize(
    ("facts", "summary"),
    [
        pytest.param([], "0 retrained, 10 skipped (0 activated, 0 kept)", id="nothing due"),
        pytest.param(
            [FINISHED, FINISHED | {"activated": False, "run_id": "r2"}],
            "2 retrained, 8 skipped (1 activated, 1 kept)",
            id="trained",
        ),
        pytest.param(
            [FINISHED | {"retrained": False}],
            "0 retrained, 10 skipped (0 activated, 0 kept)",
            id="declined",
        ),
        pytest.param(
            [fact("failed", code="suspected_leak", why="x")],
            "0 retrained, 9 skipped, 1 failed (0 activated, 0 kept)",
            id="failed",
        ),
        pytest.param(
            [GIVEN_BACK],
            "0 retrained, 9 skipped, 1 to be trained by a later tick (0 activated, 0 kept)",
            id="given back",
        ),
        pytest.param(
            [GIVEN_BACK, FINISHED],
            "1 retrained, 9 skipped (1 activated, 0 kept)",
            id="given back, then trained",
        ),
        pytest.param(
            [fact("launch", outcome="refused", why="x"), fact("launch", "r2", outcome="waiting")],
            "0 retrained, 8 skipped, 1 failed, 1 to be trained by a later tick"
            " (0 activated, 0 kept)",
            id="launches",
        ),
        pytest.param(
            [fact("run ended with its task", status="failed", why="x")],
            "0 retrained, 9 skipped, 1 failed (0 activated, 0 kept)",
            id="out of memory",
        ),
    ],
)
def test_summary_counts_every_strategy_once(facts: list[dict[str, Any]], summary: str) -> None:
    assert told(*facts) == summary


def test_warning_without_lines_of_its_own_is_told_with_its_reason() -> None:
    warning = fact("launch", outcome="refused", why="ecs:RunTask", level="ERROR")
    assert lines_of(warning) == "⚠️  auto-retrain launch: RSI reversion (a1b744f3): ecs:RunTask"


def test_warning_about_a_run_names_at_least_the_strategys_id() -> None:
    warning = {
        "message": "auto-retrain run ended with its task",
        "strategy_id": "a1b744f3",
        "why": "exit 1",
        "level": "WARNING",
    }
    assert lines_of(warning).endswith(": strategy a1b744f3: exit 1")


def test_trades_that_were_left_out_are_told() -> None:
    dropped = FINISHED | {"rows_dropped": {"no outcome": 2, "duplicate": 1}}
    assert lines_of(dropped).endswith("\n  trades left out: 2 no outcome, 1 duplicate")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_in_place() -> None:
    out, silent = Terminal(), io.StringIO()
    progress = fact("progress", phase="fitting", round=20, rounds=60)

    for narrator in (Narrator(out), Narrator(silent)):
        narrator.hear(json.dumps(progress))

    assert out.getvalue() == "\r\x1b[K   RSI reversion: fitting 20/60 …"
    assert silent.getvalue() == ""


def test_superseded_trainer_has_no_say_in_the_summary() -> None:
    late = fact("given back", code="superseded", why="another attempt's by now")
    assert told(FINISHED, late) == "1 retrained, 9 skipped (1 activated, 0 kept)"


def test_line_that_is_no_fact_is_passed_on() -> None:
    out = io.StringIO()
    Narrator(out).hear("Segmentation fault")
    assert out.getvalue() == "Segmentation fault\n"


def test_figures_for_cloudwatch_are_not_told_to_people() -> None:
    out = io.StringIO()
    Narrator(out).hear('{"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}, "Ticks": [1.0]}')
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("wanted", "told"), [(True, "📣 Notified: auto-retrain: edge: v2 is live\n"), (False, "")]
)
def test_notification_has_a_line_where_it_is_wanted(wanted: bool, told: str) -> None:
    out = io.StringIO()
    sent = {
        "message": "auto-retrain notification sent",
        "subject": "auto-retrain: edge: v2 is live",
    }
    Narrator(out, notifications=wanted).hear(json.dumps(sent))
    assert out.getvalue() == told
