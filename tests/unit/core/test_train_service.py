from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from uuid import UUID

import pytest

from autoretrain.domain.gate import Outcome
from autoretrain.domain.models import Assignment, Lesson
from autoretrain.domain.runs import RUNNING_LEASE, Status
from autoretrain.errors import ArtifactUnavailable, DatabaseUnavailable, DataError
from autoretrain.ports import Report
from autoretrain.services.train import Cancelled, Failed, Finished, GivenBack, Started
from tests.fake_books import FakeBooks
from tests.fakes import NOON, FakeArtifacts, FakeLearner, Teach
from tests.lessons import challenger, declined
from tests.unit.core.trainings import Work, queued, raising, statuses, take_away


def test_trainer_works_until_no_run_is_left(books: FakeBooks, work: Work) -> None:
    first, second, third = queued(books, 3)
    events = work(second.run_id)
    assert [type(event) for event in events] == [Started, Finished] * 3
    assert [event.assignment.run_id for event in events[::2]] == [
        second.run_id,
        first.run_id,
        third.run_id,
    ]
    assert statuses(books) == [Status.SUCCEEDED] * 3
    assert {run.task_arn for run in books.runs.values()} == {"task/1"}


def test_trainer_takes_the_next_run_when_its_own_is_taken(books: FakeBooks, work: Work) -> None:
    taken, waiting = queued(books, 2)
    taken.begin(Status.RUNNING, NOON + RUNNING_LEASE)
    started, _ = work(taken.run_id)
    assert started.assignment.run_id == waiting.run_id
    assert statuses(books) == [Status.RUNNING, Status.SUCCEEDED]


def test_trainer_ends_at_once_when_nothing_waits(work: Work) -> None:
    assert work() == []


def test_trainer_publishes_a_model_whose_files_are_stored(
    books: FakeBooks, artifacts: FakeArtifacts, work: Work
) -> None:
    [run] = queued(books)
    _, finished = work()
    assert isinstance(finished, Finished)
    assert (finished.published.version, finished.published.activated) == ("v1", True)
    champion = books.strategies[run.strategy_id].champion
    assert champion is not None
    name = champion.manifest_sha256[:16]
    assert champion.artifact_key == f"models/{UUID(int=7)}/{run.strategy_id}/{run.run_id}/{name}"
    stored = {
        f"{champion.artifact_key}/model.txt": champion.sha256,
        f"{champion.artifact_key}/manifest.json": champion.manifest_sha256,
    }
    memories = books.strategies[run.strategy_id].memories
    assert memories is not None
    assert memories.key == f"{champion.artifact_key}/memories.json"
    stored[memories.key] = memories.sha256
    assert {
        key: hashlib.sha256(file).hexdigest() for key, file in artifacts.files.items()
    } == stored


def test_trainer_stores_a_report_beside_the_model(
    books: FakeBooks, artifacts: FakeArtifacts, learner: FakeLearner, work: Work
) -> None:
    [run] = queued(books)
    plain = challenger()
    reported = replace(plain, served=replace(plain.served, report=b'{"format": 1}'))
    learner.teach[run.strategy_id] = lambda *_: reported
    work()
    champion = books.strategies[run.strategy_id].champion
    assert champion is not None
    assert artifacts.files[f"{champion.artifact_key}/report.json"] == b'{"format": 1}'


def test_trainer_gives_the_run_back_when_the_model_store_is_down(
    books: FakeBooks, artifacts: FakeArtifacts, work: Work
) -> None:
    run, next_run = queued(books, 2)
    artifacts.down = True
    _, ended = work()
    assert isinstance(ended, GivenBack)
    assert ended.code == "artifact_unavailable"
    assert (run.status, run.attempt, run.published) == (Status.QUEUED, 2, None)
    assert (next_run.status, next_run.attempt) == (Status.QUEUED, 1)
    assert books.strategies[run.strategy_id].champion is None


def test_trainer_finishes_without_a_model_when_the_learner_declines(
    books: FakeBooks, artifacts: FakeArtifacts, learner: FakeLearner, work: Work
) -> None:
    [run] = queued(books)
    learner.teach[run.strategy_id] = lambda *_: declined(Outcome.NOTHING_NEW)
    _, finished = work()
    assert isinstance(finished, Finished)
    assert (finished.published.outcome, finished.published.version) == ("nothing_new", None)
    assert run.status is Status.SUCCEEDED
    assert artifacts.files == {}


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        pytest.param(DataError("bad_rows", "26 of 100"), "bad_rows", "26 of 100", id="bad data"),
        pytest.param(
            ZeroDivisionError("by nought"),
            "internal_error",
            "ZeroDivisionError: by nought",
            id="our bug",
        ),
    ],
)
def test_trainer_fails_the_run_and_goes_on_with_the_next(
    books: FakeBooks, learner: FakeLearner, work: Work, error: Exception, code: str, message: str
) -> None:
    run, next_run = queued(books, 2)
    learner.teach[run.strategy_id] = raising(error)
    _, failed, _, finished = work()
    assert isinstance(failed, Failed)
    assert (failed.code, failed.message) == (code, message)
    assert (run.status, run.code, run.message) == (Status.FAILED, code, message)
    assert books.strategies[run.strategy_id].failures == 1
    assert isinstance(finished, Finished)
    assert next_run.status is Status.SUCCEEDED


def test_failure_carries_its_cause_when_it_was_no_error_that_we_know(
    books: FakeBooks, learner: FakeLearner, work: Work
) -> None:
    known, unknown = queued(books, 2)
    bug = ZeroDivisionError("by nought")
    learner.teach[known.strategy_id] = raising(DataError("bad_rows", "26 of 100"))
    learner.teach[unknown.strategy_id] = raising(bug)
    causes = [event.cause for event in work() if isinstance(event, Failed)]
    assert causes == [None, bug]


def test_trainer_stops_when_a_service_does_not_answer(
    books: FakeBooks, learner: FakeLearner, work: Work
) -> None:
    run, next_run = queued(books, 2)
    learner.teach[run.strategy_id] = raising(DatabaseUnavailable("no answer"))
    _, ended = work()
    assert ended == GivenBack(ended.assignment, "db_unavailable", "no answer")
    assert (run.status, run.attempt) == (Status.QUEUED, 2)
    assert next_run.attempt == 1
    assert books.strategies[run.strategy_id].failures == 0


def test_run_that_is_given_back_the_third_time_has_failed(
    books: FakeBooks, artifacts: FakeArtifacts, work: Work
) -> None:
    [run] = queued(books)
    run.losses = 2
    artifacts.down = True
    _, ended = work()
    assert isinstance(ended, Failed)
    assert (ended.code, run.status) == ("artifact_unavailable", Status.FAILED)


def test_trainer_leaves_the_run_to_its_lease_when_it_cannot_give_it_back(
    books: FakeBooks, learner: FakeLearner, work: Work
) -> None:
    [run] = queued(books)

    def lose_the_database(assignment: Assignment, report: Report) -> Lesson:
        books.down = True
        raise ArtifactUnavailable("no such file")

    learner.teach[run.strategy_id] = lose_the_database
    _, ended = work()
    assert isinstance(ended, GivenBack)
    assert (ended.code, ended.message) == (
        "artifact_unavailable",
        "no such file; The database cannot be reached.",
    )
    assert run.status is Status.RUNNING
    assert run.lease_expires_at == NOON + RUNNING_LEASE


def test_trainer_gives_the_run_back_and_leaves_when_it_is_asked_to_stop(
    books: FakeBooks, learner: FakeLearner, stop: threading.Event, work: Work
) -> None:
    run, next_run = queued(books, 2)

    def stop_at_round_three(assignment: Assignment, report: Report) -> Lesson:
        for round_ in range(10):
            if round_ == 3:
                stop.set()
            report("fitting", round_, 10)
            assert round_ < 3
        return challenger()

    learner.teach[run.strategy_id] = stop_at_round_three
    _, ended = work(run.run_id)
    assert ended == GivenBack(ended.assignment, "interrupted", "asked to stop")
    assert (run.status, run.attempt, run.losses) == (Status.QUEUED, 2, 1)
    assert (next_run.status, next_run.attempt) == (Status.QUEUED, 1)


def test_trainer_takes_no_further_run_when_a_stop_comes_between_two(
    books: FakeBooks, learner: FakeLearner, stop: threading.Event, work: Work
) -> None:
    run, next_run = queued(books, 2)

    def fail_while_stopping(assignment: Assignment, report: Report) -> Lesson:
        stop.set()
        raise DataError("bad_rows", "26 of 100")

    learner.teach[run.strategy_id] = fail_while_stopping
    _, ended = work()
    assert isinstance(ended, Failed)
    assert (next_run.status, next_run.attempt) == (Status.QUEUED, 1)


def test_named_run_is_not_held_when_a_stop_came_before_it(
    books: FakeBooks, stop: threading.Event, work: Work
) -> None:
    [run] = queued(books)
    stop.set()
    work(run.run_id)
    assert run.status is Status.QUEUED


LAST_ACTS = [
    pytest.param(lambda *_: challenger(), id="publishing"),
    pytest.param(lambda *_: declined(), id="declining"),
    pytest.param(raising(DataError("bad_rows", "26 of 100")), id="failing"),
    pytest.param(raising(DatabaseUnavailable()), id="giving back"),
]


@pytest.mark.parametrize("teach", LAST_ACTS)
def test_trainer_goes_on_with_the_queue_when_a_person_cancels_its_run(
    books: FakeBooks, learner: FakeLearner, work: Work, teach: Teach
) -> None:
    run, next_run = queued(books, 2)

    def be_cancelled(assignment: Assignment, report: Report) -> Lesson:
        run.end(Status.CANCELLED)
        return teach(assignment, report)

    learner.teach[run.strategy_id] = be_cancelled
    _, cancelled, _, finished = work()
    assert (cancelled, run.published) == (Cancelled(cancelled.assignment), None)
    assert (finished.assignment.run_id, next_run.status) == (next_run.run_id, Status.SUCCEEDED)


@pytest.mark.parametrize("teach", LAST_ACTS)
def test_run_that_was_taken_is_not_touched_whatever_the_training_ends_with(
    books: FakeBooks, learner: FakeLearner, work: Work, teach: Teach
) -> None:
    [run] = queued(books)

    def lose_the_run(assignment: Assignment, report: Report) -> Lesson:
        take_away(books, run)
        return teach(assignment, report)

    learner.teach[run.strategy_id] = lose_the_run
    _, ended = work()
    assert isinstance(ended, GivenBack)
    assert ended.code == "superseded"
    assert (run.status, run.attempt, run.losses) == (Status.QUEUED, 2, 1)
    assert run.published is None
    assert books.strategies[run.strategy_id].failures == 0


def test_trainer_learns_again_when_the_champion_has_changed(
    books: FakeBooks, learner: FakeLearner, work: Work
) -> None:
    [run] = queued(books)
    judged_against: list[str | None] = []

    def be_overtaken_once(assignment: Assignment, report: Report) -> Lesson:
        judged_against.append(assignment.champion.version if assignment.champion else None)
        books.crown(run.strategy_id, "v9")
        return challenger()

    learner.teach[run.strategy_id] = be_overtaken_once
    _, finished = work()
    assert isinstance(finished, Finished)
    assert judged_against == [None, "v9"]
    assert finished.published.previous_version == "v9"
    assert run.status is Status.SUCCEEDED


def test_trainer_gives_the_run_back_when_the_champion_changes_every_time(
    books: FakeBooks, learner: FakeLearner, work: Work
) -> None:
    [run] = queued(books)
    champions = iter("abcdef")

    def be_overtaken(assignment: Assignment, report: Report) -> Lesson:
        books.crown(run.strategy_id, next(champions))
        return challenger()

    learner.teach[run.strategy_id] = be_overtaken
    _, ended = work()
    assert isinstance(ended, GivenBack)
    assert ended.message == "the champion changed 3 times during the training"
    assert next(champions) == "d"
    assert (run.status, run.attempt) == (Status.QUEUED, 2)
