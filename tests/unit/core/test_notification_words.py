from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from autoretrain.domain.gate import BASE_RATE, Rules, judge
from autoretrain.domain.gate import ActivationMode as Mode
from autoretrain.domain.notification_words import SUBJECT_CHARACTERS, subject_of, text_of
from autoretrain.domain.notifications import Notification, Topic
from tests.fakes import NOON
from tests.lessons import comparison, too_few

STRATEGY = UUID(int=7)
ERROR = {"run_id": "r1", "error_code": "suspected_leak", "error_message": "leave out exit_price"}


def note(topic: str, strategy: str | None = "edge", **payload: Any) -> Notification:
    return Notification(1, UUID(int=1), topic, STRATEGY, strategy, payload, NOON)


def trained(topic: Topic, previous: str | None = "v1", **payload: Any) -> Notification:
    verdict = judge(comparison(0.60, 0.65, against=previous or BASE_RATE), Rules(Mode.IF_BETTER))
    told = {
        "version": "v2",
        "previous_version": previous,
        "reason": "50+ new trades since last training",
        "why": verdict.line,
        "verdict": verdict.to_json(),
    }
    return note(topic, **told | payload)


def test_activation_says_what_was_live_by_which_figures_and_how_to_go_back() -> None:
    told, back = trained(Topic.MODEL_ACTIVATED), f"autoretrain activate {STRATEGY} v1"

    assert subject_of(told) == "auto-retrain: edge: v2 is live"
    assert text_of(told).splitlines() == [
        "edge: v2 is live.",
        "",
        "Live before: v1",
        "Trained because: 50+ new trades since last training",
        "Decided because: log-loss 0.650 → 0.600 on 55 trades, P(better) 0.84",
        "Accuracy on these 55 trades: 68.0% (v1: 65.0%)",
        "",
        f"What to do: nothing, bots load it by themselves. To go back: {back}",
        "",
        "ModelActivated at 2026-03-02 12:00 UTC",
        f"Strategy {STRATEGY}, event {UUID(int=1)}",
    ]


@pytest.mark.parametrize(
    ("told", "headline", "to_do"),
    [
        (trained(Topic.MODEL_ACTIVATED, None), "v2 is live", "nothing, bots load it"),
        (trained(Topic.MODEL_KEPT), "v2 does not go live, v1 is", "autoretrain report"),
        (trained(Topic.MODEL_KEPT, None), "v2 does not go live, no model is", "nothing."),
        (trained(Topic.APPROVAL_PENDING), "v2 waits for your approval", "activate"),
        (
            note(Topic.MODEL_DEGRADED, version="v1", rule="ratio", why="win rate 40 %"),
            "v1 has degraded",
            "autoretrain show",
        ),
        (
            note(Topic.TRAINING_FAILED, rests_hours=4, **ERROR),
            "a training failed: suspected_leak",
            "rests for 4 h",
        ),
        (
            note(Topic.TRAINING_FAILED, rests_hours=None, **ERROR),
            "a training failed: suspected_leak",
            "paused",
        ),
        (
            note(Topic.TRAINING_FAILED, **ERROR | {"error_code": "launch_config"}),
            "a training failed: launch_config",
            "deploy again",
        ),
        (
            note(Topic.STRATEGY_PAUSED, paused_reason="5 failed trainings in a row", **ERROR),
            "is paused, nothing is trained any more",
            f"autoretrain resume {STRATEGY}",
        ),
    ],
)
def test_every_topic_says_what_happened_and_what_to_do(
    told: Notification, headline: str, to_do: str
) -> None:
    what_to_do = text_of(told).partition("What to do: ")[2]

    assert subject_of(told) == f"auto-retrain: edge: {headline}"
    assert to_do in what_to_do
    assert "None" not in text_of(told)


def test_model_that_could_not_be_judged_has_no_accuracy() -> None:
    verdict = judge(too_few(), Rules(Mode.IF_BETTER)).to_json()

    assert "Accuracy" not in text_of(trained(Topic.MODEL_KEPT, verdict=verdict))


@pytest.mark.parametrize("topic", [*Topic, "SomethingNew"])
@pytest.mark.parametrize("strategy", [None, "Ä\nrising\x07 edge", "x" * 300, "名前" * 90])
def test_subject_is_what_sns_takes_whatever_the_strategy_is_called(
    topic: str, strategy: str | None
) -> None:
    told = note(topic, strategy)  # and a payload without anything in it

    subject = subject_of(told)

    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) <= SUBJECT_CHARACTERS
    assert text_of(told)


def test_text_is_short_whatever_went_wrong() -> None:
    told = note(Topic.TRAINING_FAILED, "x" * 9_000, error_message="y" * 9_000)
    assert len(text_of(told).encode()) < 8_000


def test_detail_has_what_every_topic_has_beside_its_own() -> None:
    assert note(Topic.MODEL_DEGRADED, rule="ratio").detail == {
        "event_id": str(UUID(int=1)),
        "strategy_id": str(STRATEGY),
        "strategy": "edge",
        "at": "2026-03-02T12:00:00+00:00",
        "rule": "ratio",
    }
