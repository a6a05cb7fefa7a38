from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest

from autoretrain.domain.conditions import Decision, decide
from autoretrain.domain.models import RecentTrades
from autoretrain.domain.notification_words import text_of
from autoretrain.domain.notifications import Notification, Topic
from autoretrain.domain.runs import ending_of_task
from autoretrain.storage import migrate as migrating
from autoretrain.storage.connection import connect
from autoretrain.storage.control import Control
from autoretrain.storage.migrate import migrate, migrations
from autoretrain.storage.outbox import OutboxBooks
from tests.lessons import challenger, comparison
from tests.storage.conftest import Stack
from tests.world import NOW, USER, World

CHANNELS = ("topic", "bus")
PAGE = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()


@pytest.fixture
def strategy(stack: Stack) -> UUID:
    strategy_id = stack.world.strategy()
    stack.world.trades(strategy_id, [1.0, -1.0] * 60)
    return strategy_id


def outbox(stack: Stack) -> OutboxBooks:
    return OutboxBooks(stack.database())


def written(stack: Stack, count: int, strategy_id: UUID | None = None) -> None:
    stack.world.run(
        "INSERT INTO autoretrain.outbox (topic, strategy_id, payload)"
        " SELECT 'ModelKept', %s, jsonb_build_object('version', 'v' || n)"
        " FROM generate_series(1, %s) n",
        strategy_id or uuid4(),
        count,
    )


def again(stack: Stack) -> None:
    stack.world.run("UPDATE autoretrain.outbox SET next_attempt_at = now()")


def topics(stack: Stack) -> list[str]:
    return [
        row.t for row in stack.world.run("SELECT topic AS t FROM autoretrain.outbox ORDER BY id")
    ]


def fields_of(topic: str) -> set[str]:
    """Those that the page gives a topic."""
    (row,) = re.findall(rf"^\| `{topic}` \|.*\| (.*) \|$", PAGE, re.MULTILINE)
    return set(re.findall(r"`([^`]+)`", row))


# Sending


def test_notification_is_claimed_with_all_that_is_told(stack: Stack, strategy: UUID) -> None:
    written(stack, 1, strategy)

    (note,) = outbox(stack).claim(10)

    held = stack.world.one("SELECT * FROM autoretrain.outbox")
    assert note == Notification(
        held.id, held.event_id, "ModelKept", strategy, "momentum", {"version": "v1"},
        held.created_at,
    )  # fmt: skip


def test_strategy_that_is_gone_has_no_name_and_is_told_of_all_the_same(stack: Stack) -> None:
    written(stack, 1)

    (note,) = outbox(stack).claim(10)

    assert note.strategy is None


def test_each_claim_takes_what_nobody_has_taken(stack: Stack) -> None:
    written(stack, 25)
    books = outbox(stack)

    sizes = [len(books.claim(10)) for _ in range(4)]

    assert sizes == [10, 10, 5, 0]


def test_senders_at_once_never_claim_the_same(own: Stack) -> None:
    written(own, 60)

    with ThreadPoolExecutor(6) as pool:
        claimed = list(pool.map(lambda _: outbox(own).claim(10), range(6)))

    ids = [note.id for batch in claimed for note in batch]
    assert (len(ids), len(set(ids))) == (60, 60)


def test_what_is_not_sent_is_due_again_later_each_time_and_after_an_hour_at_most(
    stack: Stack,
) -> None:
    written(stack, 1)
    books, minutes = outbox(stack), []

    for _ in range(9):
        (note,) = books.claim(10)
        held = stack.world.one("SELECT next_attempt_at - now() AS rest FROM autoretrain.outbox")
        minutes.append(round(held.rest / timedelta(minutes=1)))
        again(stack)

    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert note.event_id == books.claim(10)[0].event_id


def test_notification_is_sent_once_every_channel_has_taken_it(stack: Stack) -> None:
    written(stack, 2)
    books = outbox(stack)
    first, second = books.claim(10)

    for _ in range(2):  # the second time by a sender that was thought dead
        books.note_told("topic", [first.id, second.id], CHANNELS)
        books.note_told("bus", [second.id], CHANNELS)
    again(stack)

    (left,) = books.claim(10)
    assert (left.id, left.told) == (first.id, frozenset(["topic"]))
    held = stack.world.run("SELECT told, sent_at FROM autoretrain.outbox ORDER BY id")
    assert [row.told for row in held] == [["topic"], ["topic", "bus"]]
    assert [row.sent_at is not None for row in held] == [False, True]


def test_old_notifications_are_forgotten_sent_or_not(stack: Stack) -> None:
    written(stack, 4)
    stack.world.run(
        "UPDATE autoretrain.outbox SET created_at = now() - interval '31 days' WHERE id <= 2"
    )
    stack.world.run("UPDATE autoretrain.outbox SET sent_at = now() WHERE id IN (1, 3)")

    outbox(stack).forget_old()

    left = stack.world.run("SELECT id FROM autoretrain.outbox ORDER BY id")
    assert [row.id for row in left] == [3, 4]


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("autoretrain_api", "UPDATE autoretrain.outbox SET payload = '{}'"),
        ("autoretrain_api", "UPDATE autoretrain.outbox SET event_id = gen_random_uuid()"),
        ("autoretrain_trainer", "SELECT * FROM autoretrain.outbox"),
        ("autoretrain_trainer", "DELETE FROM autoretrain.outbox"),
        ("autoretrain_reader", "UPDATE autoretrain.outbox SET sent_at = now()"),
    ],
)
def test_nobody_may_change_what_is_told(clone: str, role: str, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        World(clone).run(f"SET LOCAL ROLE {role}; {statement}")


def test_stack_that_is_upgraded_does_not_tell_what_is_long_past(
    blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = [one for one in migrations() if one[0] < "0006"]
    with monkeypatch.context() as patched, closing(connect(blank)) as opened:
        patched.setattr(migrating, "migrations", lambda: earlier)
        migrate(opened)
    stack = Stack(blank)
    written(stack, 2)
    stack.world.run(
        "UPDATE autoretrain.outbox SET created_at = now() - interval '1 day' WHERE id = 1"
    )

    with closing(connect(blank)) as opened:
        migrate(opened)

    assert [note.id for note in outbox(stack).claim(10)] == [2]
    stack.close()


# What is told


def note_of(stack: Stack, topic: Topic) -> dict[str, Any]:
    found = stack.world.run(
        "SELECT payload FROM autoretrain.outbox WHERE topic = %s ORDER BY id", topic
    )
    payload: dict[str, Any] = found[-1].payload
    return payload


def test_training_tells_what_went_live_what_was_kept_and_what_waits(
    stack: Stack, strategy: UUID
) -> None:
    stack.training.publish(stack.running(strategy), challenger(), "k/1", NOW)
    worse = challenger(comparison(0.66, 0.65, against="v1"))
    stack.training.publish(stack.running(strategy), worse, "k/2", NOW)
    stack.world.run("UPDATE autoretrain.strategy_training SET activation_mode = 'approve'")
    better = challenger(comparison(0.60, 0.65, against="v1"))
    stack.training.publish(stack.running(strategy), better, "k/3", NOW)
    Control(stack.database()).activate(USER, strategy, "v3", force=False, why="")

    assert topics(stack) == ["ModelActivated", "ModelKept", "ApprovalPending", "ModelActivated"]
    kept, activated = note_of(stack, Topic.MODEL_KEPT), note_of(stack, Topic.MODEL_ACTIVATED)
    assert (kept["version"], kept["previous_version"], kept["by"]) == ("v2", "v1", None)
    assert kept["reason"].startswith("0 of 50 new trades since last training")
    assert (activated["version"], activated["previous_version"]) == ("v3", "v1")
    assert (activated["why"], activated["by"]) == ("approved by hand", str(USER))
    for topic in (Topic.MODEL_ACTIVATED, Topic.MODEL_KEPT, Topic.APPROVAL_PENDING):
        assert note_of(stack, topic).keys() == fields_of(topic)
    assert all("None" not in text_of(note) for note in outbox(stack).claim(10))


def test_failure_tells_how_long_the_strategy_rests_and_that_it_is_paused(
    stack: Stack, strategy: UUID
) -> None:
    for _ in range(5):
        stack.training.fail(stack.running(strategy), "suspected_leak", "leave out exit_price")
        stack.world.run("UPDATE autoretrain.strategy_training SET next_eligible_at = '-infinity'")

    rests = stack.world.run(
        "SELECT payload -> 'rests_hours' AS r FROM autoretrain.outbox"
        " WHERE topic = 'TrainingFailed' ORDER BY id"
    )
    assert [row.r for row in rests] == [1, 2, 4, 8, None]
    for topic in (Topic.TRAINING_FAILED, Topic.STRATEGY_PAUSED):
        assert note_of(stack, topic).keys() == fields_of(topic)


def test_failure_of_the_deployment_is_told_too(stack: Stack, strategy: UUID) -> None:
    stack.running(strategy)
    (live,) = stack.stopping.runs_of_task("task/1", None)

    ending = ending_of_task(78, "EssentialContainerExited", "", "no such bucket")
    stack.stopping.end_attempt(live, ending, expired_only=False)

    assert topics(stack) == ["TrainingFailed"]
    told = note_of(stack, Topic.TRAINING_FAILED)
    assert told.keys() == fields_of(Topic.TRAINING_FAILED)
    assert (told["error_code"], told["rests_hours"]) == ("launch_config", None)


def test_attempt_that_is_queued_again_is_nobodys_concern(stack: Stack, strategy: UUID) -> None:
    stack.training.interrupt(stack.running(strategy), "asked to stop")
    assert topics(stack) == []


def degraded(stack: Stack, strategy: UUID) -> Decision:
    """The decision on a model that everybody can see is worse than it was."""
    seen = replace(stack.snapshot(strategy), recent=RecentTrades(50, 10))
    decision = decide(seen, seen.policy)
    assert decision.degraded
    return decision


def live(stack: Stack, strategy: UUID, version: str) -> None:
    stack.world.run(
        "UPDATE ai_strategies SET ml_model_version = %s, ml_model_trained_at = now(),"
        " ml_model_performance = '{\"accuracy\": 0.68}' WHERE id = %s",
        version,
        strategy,
    )


def test_degradation_is_told_once_for_each_version(stack: Stack, strategy: UUID) -> None:
    other = stack.world.strategy("other")
    stack.world.trades(other, [1.0, -1.0] * 60)
    live(stack, other, "v1")
    for version in ("v1", "v2"):
        live(stack, strategy, version)
        for _ in range(3):
            stack.checking.store_decisions([degraded(stack, strategy), degraded(stack, other)], NOW)

    told = stack.world.run(
        "SELECT strategy_id, payload ->> 'version' AS v FROM autoretrain.outbox ORDER BY v"
    )
    assert sorted((row.strategy_id == other, row.v) for row in told) == [
        (False, "v1"), (False, "v2"), (True, "v1"),
    ]  # fmt: skip
    payload = note_of(stack, Topic.MODEL_DEGRADED)
    assert payload.keys() == fields_of(Topic.MODEL_DEGRADED)
    assert payload["rule"] == "ratio"
    assert payload["why"].startswith("win rate 20.0% over the last 50 trades is below 61.2%")
    assert payload["figures"]["observed"] == 0.2


def test_degradation_of_a_model_that_is_not_live_any_more_is_not_told(
    stack: Stack, strategy: UUID
) -> None:
    live(stack, strategy, "v1")
    decision = degraded(stack, strategy)
    live(stack, strategy, "v2")

    stack.checking.store_decisions([decision], NOW)

    assert topics(stack) == []


def test_model_that_does_well_is_not_told_of(stack: Stack, strategy: UUID) -> None:
    live(stack, strategy, "v1")
    snapshot = stack.snapshot(strategy)

    stack.checking.store_decisions([decide(snapshot, snapshot.policy)], NOW)

    assert topics(stack) == []
