from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from hypothesis import HealthCheck, Phase, settings

from autoretrain.domain.work import Claimed, Published
from tests.faults import mutants
from tests.faults.bench import Bench, bench_on
from tests.faults.figures import Figures
from tests.faults.forced import loss_then_publish, two_claims, two_publications
from tests.faults.machine import play
from tests.storage.conftest import Stack

HUNT = settings(
    max_examples=300,
    stateful_step_count=50,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture
def apart(clone: str) -> Iterator[Bench]:
    """A model test whose steps do not count: they are taken on a mutant."""
    with bench_on(clone, Figures()) as opened:
        yield opened


def test_model_test_catches_a_product_without_fence_check(apart: Bench, figures: Figures) -> None:
    with mutants.without_fence_check(), pytest.raises(AssertionError, match="a lost attempt"):
        play(apart, HUNT)

    figures.mutants["no fence check"] = f"model test, {apart.figures.steps} steps"


def test_model_test_catches_a_product_without_transactions(apart: Bench, figures: Figures) -> None:
    apart.wire.commits_each = True

    with pytest.raises((AssertionError, psycopg2.IntegrityError)):
        play(apart, HUNT)

    figures.mutants["no transaction"] = f"model test, {apart.figures.steps} steps"


def test_model_test_catches_a_product_without_partial_indexes(
    apart: Bench, figures: Figures
) -> None:
    mutants.drop_partial_indexes(apart.url)

    with pytest.raises(AssertionError, match="two runs of a strategy in one slot"):
        play(apart, HUNT)

    figures.mutants["no partial index"] = f"model test, {apart.figures.steps} steps"


def test_model_test_catches_leases_by_the_clock_of_whoever_asks(
    apart: Bench, figures: Figures
) -> None:
    with (
        mutants.lease_by_the_clock_of_whoever_asks(),
        pytest.raises(AssertionError, match="had just given a sign of life"),
    ):
        play(apart, HUNT)

    figures.mutants["lease by client clock"] = f"model test, {apart.figures.steps} steps"


def test_race_catches_a_claim_in_one_statement(own: Stack, figures: Figures) -> None:
    with mutants.claim_as_one_statement():
        left = two_claims(own)

    # Whoever waited compared with what it had seen before, and fenced the live run out.
    assert (left.fence, left.live) == (2, [1])
    figures.mutants["claim as one CTE"] = "forced race of two claims"


def test_race_catches_a_publication_without_row_lock(own: Stack, figures: Figures) -> None:
    with mutants.without_row_lock():
        left = loss_then_publish(own)

    # The lost attempt went live, from the queue.
    assert isinstance(left.second, Published)
    assert left.statuses == ["succeeded"]
    figures.mutants["publish without FOR UPDATE"] = "forced race of loss and publication"


def test_second_publication_breaks_on_the_model_table_without_row_lock(own: Stack) -> None:
    with mutants.without_row_lock():
        left = two_publications(own)

    assert isinstance(left.second, psycopg2.errors.UniqueViolation)


def test_index_keeps_one_live_run_even_where_nobody_holds_the_row(own: Stack) -> None:
    with mutants.without_row_lock():
        left = two_claims(own)

    assert [isinstance(left.first, Claimed), isinstance(left.second, Claimed)] == [True, False]
    assert len(left.live) == 1


def test_without_that_index_two_runs_live(own: Stack) -> None:
    mutants.drop_partial_indexes(own.url)

    with mutants.without_row_lock():
        left = two_claims(own)

    assert len(left.live) == 2
