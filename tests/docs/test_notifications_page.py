"""The page on notifications and metrics says what the code does."""

from __future__ import annotations

from autoretrain.domain.notifications import Topic
from autoretrain.metrics import METRICS, RunOutcome
from autoretrain.storage.named import statement
from tests.docs.reading import names, page, rows

PAGE = page("docs/notifications.md")


def test_page_names_every_topic() -> None:
    assert {names(topic)[0] for topic, *_ in rows(PAGE, "topic")} == set(Topic)


def test_page_names_every_metric_with_its_unit_and_dimension() -> None:
    told = {
        names(metric)[0]: (unit, names(dimension)[0] if "`" in dimension else None)
        for metric, unit, dimension, *_ in rows(PAGE, "metric")
    }
    assert told == {metric.name: (metric.unit, metric.dimension) for metric in METRICS}


def test_page_names_every_outcome_of_a_run() -> None:
    (told,) = (counts for metric, *_, counts in rows(PAGE, "metric") if "`Runs`" in metric)
    assert names(told) == list(RunOutcome)


def test_page_gives_the_time_that_rows_are_kept() -> None:
    assert "interval '30 days'" in statement("forget_old_notifications")
    assert "deleted after 30 days" in PAGE
