from __future__ import annotations

from uuid import UUID

import pytest

from autoretrain.domain.models import Assignment, RowsRead
from autoretrain.domain.work import Published
from autoretrain.metrics import (
    LOG_LOSS_IMPROVEMENT,
    RUNS,
    TRAINING_ROWS,
    TRAINING_SECONDS,
    Metric,
    RunOutcome,
)
from autoretrain.services.train import (
    Cancelled,
    Failed,
    Finished,
    GivenBack,
    Started,
    TrainingEvent,
)
from autoretrain_trainer.__main__ import figures_of
from tests.fakes import NOON

ID = UUID(int=1)
RUN = Assignment(ID, ID, ID, "edge", "50+ new trades", 1, 1, False, False, 100, {})
ROWS = RowsRead(NOON, 120, {}, "0" * 64)


@pytest.mark.parametrize(
    ("published", "outcome"),
    [
        (Published("better", "", "v2", True, log_loss_improvement=0.05, rows=ROWS), "activated"),
        (Published("not_better", "", "v2", log_loss_improvement=-0.01, rows=ROWS), "kept"),
    ],
)
def test_judged_model_is_counted_with_its_seconds_rows_and_improvement(
    published: Published, outcome: str
) -> None:
    assert figures_of(Finished(RUN, published, 3.5)) == {
        RUNS.of(outcome): 1,
        TRAINING_SECONDS: 3.5,
        TRAINING_ROWS: 120,
        LOG_LOSS_IMPROVEMENT: published.log_loss_improvement,
    }


def test_what_was_not_judged_has_no_improvement() -> None:
    figures = figures_of(Finished(RUN, Published("nothing_new", "", rows=ROWS), 0.2))
    assert figures == {RUNS.of("no_model"): 1, TRAINING_SECONDS: 0.2, TRAINING_ROWS: 120}


@pytest.mark.parametrize(
    ("event", "figures"),
    [
        (Started(RUN), {}),
        (Failed(RUN, "suspected_leak", ""), {RUNS.of(RunOutcome.FAILED): 1}),
        (Cancelled(RUN), {RUNS.of(RunOutcome.CANCELLED): 1}),
        (GivenBack(RUN, "interrupted", ""), {RUNS.of(RunOutcome.REQUEUED): 1}),
        (GivenBack(RUN, "superseded", ""), {}),
    ],
)
def test_every_end_of_an_attempt_is_counted_once(
    event: TrainingEvent, figures: dict[Metric, float]
) -> None:
    assert figures_of(event) == figures
