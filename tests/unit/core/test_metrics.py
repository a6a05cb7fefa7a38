from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import pytest
from aws_lambda_powertools import Logger

from autoretrain.domain.runs import Status
from autoretrain.metrics import (
    CHECKS,
    DECISIONS,
    LAUNCH_FAILURES,
    METRICS,
    RUNS,
    Metric,
    emit,
    ended_by_others,
)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logger(out: io.StringIO) -> Logger:
    return Logger(service=str(uuid4()), stream=out)  # loggers of one service share their stream


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "my-stack")
    return "my-stack"


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_figures_are_one_line_for_each_value_of_a_dimension(
    out: io.StringIO, logger: Logger, namespace: str
) -> None:
    emit(
        logger, {CHECKS: 5, LAUNCH_FAILURES: 0, DECISIONS.of("new_trades"): 2, DECISIONS.of("x"): 3}
    )

    plain, trades, other = lines(out)
    (told,) = plain["_aws"]["CloudWatchMetrics"]
    assert (told["Namespace"], told["Dimensions"]) == (namespace, [["service"]])
    assert told["Metrics"] == [
        {"Name": "Checks", "Unit": "Count"},
        {"Name": "LaunchFailures", "Unit": "Count"},
    ]
    assert (plain["service"], plain["Checks"], plain["LaunchFailures"]) == (
        "auto-retrain",
        [5.0],
        [0.0],
    )
    (told,) = trades["_aws"]["CloudWatchMetrics"]
    assert set(told["Dimensions"][0]) == {"service", "reason"}
    assert [(one["reason"], one["Decisions"]) for one in (trades, other)] == [
        ("new_trades", [2.0]),
        ("x", [3.0]),
    ]


def test_figures_of_one_call_are_not_in_the_next(
    out: io.StringIO, logger: Logger, namespace: str
) -> None:
    emit(logger, {RUNS.of("failed"): 1})
    emit(logger, {CHECKS: 1})

    _, second = lines(out)
    assert not second.keys() & {"Runs", "outcome"}


def test_nothing_is_written_when_there_is_nothing_to_count(
    out: io.StringIO, logger: Logger, namespace: str
) -> None:
    emit(logger, {})
    assert out.getvalue() == ""


@pytest.mark.parametrize("unset", [None, ""])
def test_nothing_is_written_when_no_namespace_is_named(
    out: io.StringIO, logger: Logger, monkeypatch: pytest.MonkeyPatch, unset: str | None
) -> None:
    if unset is not None:
        monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", unset)
    emit(logger, {CHECKS: 1})
    assert out.getvalue() == ""


def test_every_metric_can_be_written(out: io.StringIO, logger: Logger, namespace: str) -> None:
    emit(logger, {_one(metric): 1.5 for metric in METRICS})

    written = {
        named["Name"]: named["Unit"]
        for line in lines(out)
        for told in line["_aws"]["CloudWatchMetrics"]
        for named in told["Metrics"]
    }
    assert written == {metric.name: metric.unit for metric in METRICS}


def test_attempts_that_others_end_are_counted_by_what_became_of_them() -> None:
    statuses = [Status.FAILED, Status.QUEUED, Status.QUEUED]
    assert ended_by_others(statuses) == {RUNS.of("failed"): 1, RUNS.of("requeued"): 2}
    assert ended_by_others([]) == {}


def _one(metric: Metric) -> Metric:
    return metric.of("one") if metric.dimension else metric
