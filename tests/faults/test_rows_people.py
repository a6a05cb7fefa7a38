from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from autoretrain.aws.notifier import BusChannel, TopicChannel
from autoretrain.domain.models import Assignment
from autoretrain.domain.runs import FAILURES_BEFORE_PAUSE, back_off
from autoretrain.errors import DataError
from autoretrain.ports import Report
from autoretrain.services.notify import Notifier
from autoretrain.storage.outbox import OutboxBooks
from tests.fakes import FakeLearner
from tests.faults.loop import MINUTE, Loop
from tests.faults.rows import row
from tests.faults.site import Site
from tests.faults.weather import Sky, Weather


class LeakyTrades(FakeLearner):
    def learn(self, assignment: Assignment, as_of: datetime, report: Report) -> None:  # type: ignore[override]
        raise DataError("suspected_leak", "the feature fee alone tells the outcome")


@row("F35")
def test_strategy_that_fails_rests_longer_each_time_and_the_api_says_why_and_until_when(
    loop: Loop, site: Site
) -> None:
    path = f"/api/ai-strategies/{site.strategy_id}"
    for failures in range(1, FAILURES_BEFORE_PAUSE + 1):
        loop.tick()
        (waiting,) = [run for run in loop.runs(site.strategy_id) if run.status == "starting"]
        loop.train(waiting.id, learner=LeakyTrades())

        told = site.call("GET", path).json
        assert told["failures"] == failures
        rest = back_off(failures)
        if rest is None:
            break
        until = datetime.fromisoformat(told["next_eligible_at"]) - datetime.now(UTC)
        assert rest - 5 * MINUTE < until <= rest
        loop.pass_by(rest - MINUTE)
        loop.tick()
        assert len(loop.runs(site.strategy_id)) == failures
        loop.pass_by(2 * MINUTE)
        loop.passed += timedelta(hours=1)  # an hour's slot is used once

    assert told["paused_reason"] == "5 failed trainings in a row; the last one: suspected_leak"
    loop.pass_by(timedelta(days=30))
    loop.tick()
    assert len(loop.runs(site.strategy_id)) == FAILURES_BEFORE_PAUSE
    assert site.call("POST", f"{path}/resume").status == 200
    loop.tick()
    assert len(loop.runs(site.strategy_id)) == FAILURES_BEFORE_PAUSE + 1


@row("F37")
@pytest.mark.parametrize("bad", [Sky.BUSY, Sky.SILENT])
def test_notification_waits_until_it_is_taken_and_its_run_knows_nothing_of_it(
    loop: Loop, bucket: str, sky: Weather, bad: Sky
) -> None:
    topic = boto3.client("sns").create_topic(Name=bucket)["TopicArn"]
    channels = (TopicChannel(topic), BusChannel("default"))
    notifier = Notifier(OutboxBooks(loop.database()), channels)
    strategy_id = loop.due()
    loop.trained(strategy_id)
    before = loop.run(strategy_id)

    sky.expect(*[bad] * 6)
    refused = [set(told.refused) for told in notifier.drain(lambda: 60.0)]
    assert refused == [{"topic", "bus"}]
    assert loop.run(strategy_id) == before

    assert list(notifier.drain(lambda: 60.0)) == []  # not before its time
    loop.world.run("UPDATE autoretrain.outbox SET next_attempt_at = now()")
    assert [told.refused for told in notifier.drain(lambda: 60.0)] == [{}]
    loop.world.run("UPDATE autoretrain.outbox SET next_attempt_at = now()")
    assert list(notifier.drain(lambda: 60.0)) == []  # it is told once


@row("F37")
@pytest.mark.parametrize("field", ["webhook", "webhook_url", "notify_url"])
def test_webhook_is_nothing_that_can_be_set(loop: Loop, site: Site, field: str) -> None:
    path = f"/api/ai-strategies/{site.strategy_id}"

    told = site.call("PATCH", path, {field: "http://169.254.169.254/"})

    assert (told.status, told.code) == (422, "invalid_request")
    assert f"{field}: is not known here" in told.message
