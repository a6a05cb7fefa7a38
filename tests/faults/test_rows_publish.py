from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import boto3
import numpy as np
import pytest

from autoretrain.domain.gate import BASE_RATE, Evidence
from autoretrain.domain.models import Assignment, Lesson
from autoretrain.domain.runs import RUNNING_LEASE
from autoretrain.errors import DatabaseUnavailable
from autoretrain.ports import Report
from autoretrain.services.train import Finished, GivenBack
from autoretrain.storage.database import TRAINER, Database
from autoretrain.storage.training import TrainBooks
from autoretrain_trainer.judge import compare
from autoretrain_trainer.learner import LightGBMLearner
from tests.fakes import FakeLearner
from tests.faults.loop import HOUR, MINUTE, Loop
from tests.faults.rows import row
from tests.faults.weather import Sky, Weather
from tests.faults.wire import Fault, How, Killed
from tests.lessons import challenger, comparison
from tests.unit.trainer.test_trainer_judge import four_trades
from tests.unit.trainer.trade_stream import loaded

FILES = ["manifest.json", "memories.json", "model.txt"]
STRANGER = UUID("00000000-0000-0000-0000-0000000000bb")


def keys(bucket: str) -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=bucket)
    return sorted(found["Key"] for found in listed.get("Contents", []))


def waiting(loop: Loop) -> tuple[UUID, UUID]:
    """A due strategy, and its run that a trainer may take."""
    strategy_id = loop.due()
    return strategy_id, loop.claimed(strategy_id)


def lose_and_train_again(loop: Loop, run_id: UUID | None = None) -> None:
    """Nobody hears of the trainer any more, and the next tick launches another."""
    loop.pass_by(RUNNING_LEASE + MINUTE)
    loop.tick()
    loop.train(run_id)


def better(assignment: Assignment, report: Report) -> Lesson:
    """Than whoever is champion."""
    rival = assignment.champion.version if assignment.champion else BASE_RATE
    return challenger(comparison(0.60, 0.65, against=rival))


class Taught(FakeLearner):
    """Everybody's lesson is this one, learnt from the trades of now."""

    def __init__(self, teach: Callable[[Assignment, Report], Lesson]) -> None:
        super().__init__()
        self._teach = teach

    def learn(self, assignment: Assignment, as_of: Any, report: Report) -> Lesson:
        lesson = self._teach(assignment, report)
        return replace(lesson, rows=replace(lesson.rows, as_of=as_of))


class NoDatabase(TrainBooks):
    """A trainer's heartbeats that get through to nobody."""

    def __init__(self) -> None:
        super().__init__(Database(self._refuse, TRAINER))

    @staticmethod
    def _refuse() -> Any:
        raise DatabaseUnavailable("no route to host")


def interfered(loop: Loop, meanwhile: Callable[[], object]) -> Taught:
    """Something happens while the first training is on; later ones have peace."""
    waiting = [meanwhile]

    def teach(assignment: Assignment, report: Report) -> Lesson:
        if waiting:
            waiting.pop()()
        return better(assignment, report)

    return Taught(teach)


def struck(loop: Loop, fault: Fault) -> Taught:
    """The training is done, and then this happens."""
    return interfered(loop, lambda: loop.strike(fault))


@row("F18")
def test_trainer_that_was_given_up_publishes_nothing_when_it_comes_back(
    loop: Loop, bucket: str
) -> None:
    strategy_id, run_id = waiting(loop)

    def five_minutes_later() -> None:
        loop.pass_by(5 * MINUTE)
        loop.tick()
        loop.train(run_id, learner=Taught(better))

    (_, ended) = loop.train(
        run_id, learner=interfered(loop, five_minutes_later), pulse=NoDatabase()
    )

    assert isinstance(ended, GivenBack)
    assert ended.code == "superseded"
    run = loop.run(strategy_id)
    assert (run.status, run.attempt, loop.active(strategy_id)) == ("succeeded", 2, ["v1"])
    model = loop.world.one("SELECT * FROM autoretrain.model_artifacts")
    assert {key.rpartition("/")[0] for key in keys(bucket)} >= {model.artifact_key}


@row("F20", "F21")
@pytest.mark.parametrize("bad", [Sky.BUSY, Sky.SILENT, Sky.LOST])
@pytest.mark.parametrize("times", [1, 2])
def test_file_that_s3_does_not_take_at_once_is_put_again_under_its_key(
    loop: Loop, sky: Weather, bucket: str, bad: Sky, times: int
) -> None:
    strategy_id, run_id = waiting(loop)
    sky.sent.clear()
    sky.expect(*[bad] * times)

    loop.train(run_id)

    assert loop.run(strategy_id).status == "succeeded"
    model = loop.world.one("SELECT * FROM autoretrain.model_artifacts")
    assert keys(bucket) == [f"{model.artifact_key}/{name}" for name in FILES]
    assert sky.sent.count("s3.PutObject") == len(FILES) + times
    assert len(sky.pauses) == times


@row("F20")
def test_training_waits_for_a_better_day_when_s3_stays_away(
    loop: Loop, sky: Weather, bucket: str
) -> None:
    strategy_id, run_id = waiting(loop)
    sky.expect(*[Sky.BUSY] * 9)

    (_, ended) = loop.train(run_id)

    assert isinstance(ended, GivenBack)
    run = loop.run(strategy_id)
    assert (run.status, run.attempt, ended.code) == ("queued", 2, "artifact_unavailable")
    sky.forecast.clear()
    loop.train()
    assert loop.active(strategy_id) == ["v1"]


@row("F21")
def test_key_that_holds_other_bytes_fails_the_run_and_stays_as_it_is(
    loop: Loop, bucket: str
) -> None:
    strategy_id, run_id = waiting(loop)
    lesson = challenger()
    user_id = loop.run(strategy_id).user_id
    prefix = f"models/{user_id}/{strategy_id}/{run_id}/{lesson.served.manifest_sha256[:16]}"
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/model.txt", Body=b"another's")

    loop.train(run_id)

    run = loop.run(strategy_id)
    assert (run.status, run.error_code) == ("failed", "artifact_corrupt")
    held = boto3.client("s3").get_object(Bucket=bucket, Key=f"{prefix}/model.txt")
    assert held["Body"].read() == b"another's"
    assert loop.active(strategy_id) == []


@row("F22")
def test_trainer_that_dies_after_s3_leaves_files_that_nobody_points_at(
    loop: Loop, bucket: str
) -> None:
    strategy_id = loop.due()
    loop.trained(strategy_id)
    loop.new_trade(strategy_id)
    loop.pass_by(HOUR)
    loop.tick()
    run = loop.runs(strategy_id)[-1]
    before = len(keys(bucket))

    with pytest.raises(Killed):
        loop.train(run.id, learner=struck(loop, Fault(How.KILLED)))
    # Every file of the new model is there, and no row.
    assert len(keys(bucket)) == before + len(FILES)
    assert loop.active(strategy_id) == ["v1"]

    loop.pass_by(RUNNING_LEASE + MINUTE)
    loop.tick()
    loop.train(run.id, learner=Taught(better))
    assert loop.active(strategy_id) == ["v2"]


@row("F23")
@pytest.mark.parametrize("done", [False, True], ids=["undone", "done"])
def test_publication_whose_commit_got_no_answer_gives_one_model(loop: Loop, done: bool) -> None:
    unheard = 0
    for call in count():
        loop.start_anew()
        strategy_id, run_id = waiting(loop)
        before = loop.bench.wire.struck

        ended = None
        with suppress(DatabaseUnavailable):  # where the trainer then looks for another run
            learner = struck(loop, Fault(How.CUT, call, done))
            (_, ended) = loop.train(run_id, learner=learner, pause=lambda _: None)
        loop.mend()
        if loop.bench.wire.struck == before:
            break

        assert (loop.run(strategy_id).status, loop.active(strategy_id)) == ("succeeded", ["v1"])
        assert len(loop.world.run("SELECT * FROM ai_strategy_ml_models")) == 1
        unheard += isinstance(ended, GivenBack)
    assert call > 10
    # Where the commit was done, the next try finds nothing left to publish.
    assert unheard == done


@row("F24")
def test_publication_waits_for_its_database_as_long_as_the_lease_holds(loop: Loop) -> None:
    strategy_id, run_id = waiting(loop)
    pauses = list[float]()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            loop.mend()

    (_, ended) = loop.train(run_id, learner=struck(loop, Fault(How.DOWN)), pause=pause)

    assert isinstance(ended, Finished)
    assert pauses == [1, 2, 4, 8]
    assert loop.active(strategy_id) == ["v1"]


@row("F24")
def test_publication_whose_database_stays_away_is_the_next_attempts(loop: Loop) -> None:
    strategy_id, run_id = waiting(loop)
    pauses = list[float]()

    (_, ended) = loop.train(run_id, learner=struck(loop, Fault(How.DOWN)), pause=pauses.append)
    loop.mend()

    assert isinstance(ended, GivenBack)
    assert (ended.code, sum(pauses)) == ("db_unavailable", 63)
    assert loop.run(strategy_id).status == "running"
    lose_and_train_again(loop, run_id)
    assert loop.active(strategy_id) == ["v1"]


def compared_to_nothing() -> Evidence:
    """What the judge makes of a model that says NaN."""
    judged = loaded(four_trades())
    half = np.full(4, 0.5)
    return compare(judged, np.full(4, np.nan), half, half, "v1")


@row("F31")
@pytest.mark.parametrize(
    ("evidence", "status", "said", "active"),
    [
        pytest.param(comparison(0.66, 0.65, "v1"), "succeeded", "not_better", "v1", id="worse"),
        pytest.param(comparison(0.65, 0.65, "v1"), "succeeded", "not_better", "v1", id="equal"),
        pytest.param(None, "failed", "invalid_metric", "v1", id="not a number"),
        pytest.param(comparison(0.60, 0.65, "v1"), "succeeded", "better", "v2", id="better"),
    ],
)
def test_challenger_goes_live_only_where_it_is_better(
    loop: Loop, evidence: Evidence | None, status: str, said: str, active: str
) -> None:
    strategy_id = loop.due()
    loop.trained(strategy_id)
    loop.new_trade(strategy_id)
    loop.pass_by(HOUR)
    loop.tick()

    learner = Taught(lambda *_: challenger(evidence or compared_to_nothing()))
    loop.train(loop.runs(strategy_id)[-1].id, learner=learner)

    run = loop.runs(strategy_id)[-1]
    assert (run.status, run.error_code or run.outcome) == (status, said)
    assert loop.active(strategy_id) == [active]


@row("F31")
@pytest.mark.parametrize(("log_loss", "active"), [(0.69, []), (0.70, []), (0.68, ["v1"])])
def test_first_model_goes_live_only_where_it_beats_having_none(
    loop: Loop, log_loss: float, active: list[str]
) -> None:
    strategy_id = loop.due()

    lesson = challenger(comparison(log_loss, 0.69))
    loop.train(loop.claimed(strategy_id), learner=Taught(lambda *_: lesson))

    assert loop.run(strategy_id).status == "succeeded"
    assert loop.active(strategy_id) == active


@row("F32")
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(
            lambda bucket, key: boto3.client("s3").delete_object(Bucket=bucket, Key=key),
            "baseline_unreadable",
            id="missing",
        ),
        pytest.param(
            lambda bucket, key: boto3.client("s3").put_object(
                Bucket=bucket, Key=key, Body=b"tree\nversion=v4\n"
            ),
            "artifact_corrupt",
            id="corrupt",
        ),
    ],
)
def test_champion_that_cannot_be_read_is_not_replaced_by_what_it_cannot_be_compared_with(
    loop: Loop, bucket: str, spoil: Callable[[str, str], object], said: str
) -> None:
    strategy_id = loop.world.strategy()
    loop.world.run("UPDATE autoretrain.strategy_training SET activation_mode = 'always'")
    loop.world.trades(strategy_id, [1.0, -1.0] * 60)

    def train() -> Any:
        loop.check(strategy_id)
        run = loop.runs(strategy_id)[-1]
        learner = LightGBMLearner(TrainBooks(loop.database(TRAINER)), loop.artifacts)
        loop.train(run.id, learner=learner)
        return loop.runs(strategy_id)[-1]

    assert train().status == "succeeded"
    model = loop.world.one("SELECT * FROM autoretrain.model_artifacts")
    spoil(bucket, f"{model.artifact_key}/model.txt")
    loop.world.trades(strategy_id, [1.0, -1.0, -1.0] * 40, every=timedelta(hours=3))
    loop.world.run("UPDATE ai_strategies SET ml_model_trained_at = now() - interval '8 days'")
    loop.pass_by(HOUR)

    run = train()

    assert (run.status, run.error_code) == ("failed", said)
    assert loop.active(strategy_id) == [model.version]
    topics = loop.world.run("SELECT topic FROM autoretrain.outbox ORDER BY id")
    assert topics[-1].topic == "TrainingFailed"


@row("F33")
def test_training_of_a_strategy_that_is_deleted_meanwhile_leaves_nothing(loop: Loop) -> None:
    strategy_id, run_id = waiting(loop)

    def delete() -> None:
        loop.world.run("DELETE FROM ai_strategies")

    loop.train(run_id, learner=interfered(loop, delete))
    lose_and_train_again(loop)

    run = loop.run(strategy_id)
    assert (run.status, run.error_code) == ("failed", "strategy_gone")
    assert loop.world.run("SELECT * FROM ai_strategy_ml_models") == []


@row("F33")
def test_training_of_a_strategy_that_changes_hands_is_done_again_for_the_new_owner(
    loop: Loop, bucket: str
) -> None:
    strategy_id, run_id = waiting(loop)

    def sell() -> None:
        loop.world.run("UPDATE ai_strategies SET user_id = %s", STRANGER)

    loop.train(run_id, learner=interfered(loop, sell))
    assert loop.world.run("SELECT * FROM ai_strategy_ml_models") == []
    lose_and_train_again(loop, run_id)

    assert loop.active(strategy_id) == ["v1"]
    model = loop.world.one("SELECT * FROM autoretrain.model_artifacts")
    assert model.artifact_key.startswith(f"models/{STRANGER}/")
