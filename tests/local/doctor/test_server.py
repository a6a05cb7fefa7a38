"""Where the database is, how it is reached, and whether its clock goes right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from autoretrain_local.doctor import server
from autoretrain_local.doctor.address import look_at_address
from autoretrain_local.doctor.findings import State
from autoretrain_local.postgres import PostgresServer
from tests.local.doctor.looks import wrong

POOLER = "postgresql://postgres.abc:secret@aws-0-eu.pooler.supabase.com"
NOW_HERE = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "state", "told"),
    [
        (f"{POOLER}:6543/postgres", State.GOOD, "transaction pooler"),
        (f"{POOLER}:5432/postgres", State.GOOD, "session pooler"),
        ("postgresql://p:x@db.abc.supabase.co/postgres", State.GOOD, "direct connection"),
        ("postgresql://p:x@db.abc.supabase.co:6543/postgres", State.GOOD, "transaction pooler"),
        ("postgresql://p:x@example.org:6432/db", State.GOOD, "transaction pooler"),
        ("postgresql://p:x@example.org/db?options=-c%20a%3D1", State.GOOD, "direct connection"),
        (f"{POOLER}:6543/postgres?options=-c%20a%3D1", State.BAD, "options="),
        (f"{POOLER}:6543/postgres".replace(".abc", ""), State.BAD, "no login 'postgres'"),
    ],
)
def test_address_says_what_is_asked(url: str, state: State, told: str) -> None:
    *_, finding = look_at_address(url)

    assert (finding.state, told in finding.found) == (state, True), finding


@pytest.mark.parametrize(
    ("url", "advice"),
    [(f"{POOLER}:5432/postgres", "6543"), ("postgresql://p@db.abc.supabase.co/x", "IPv6 only")],
)
def test_address_that_works_less_well_comes_with_advice(url: str, advice: str) -> None:
    (finding,) = look_at_address(url)

    assert finding.todo is not None
    assert advice in finding.todo


def test_address_that_is_refused_is_to_be_mended() -> None:
    finding = wrong("postgresql://me:hunter2@example.org/db?sslmode=disable")[-1]

    assert (finding.check, finding.state) == ("connection", State.BAD)
    assert "use require" in (finding.todo or "")


def test_login_that_is_refused_is_to_be_mended(postgres: PostgresServer) -> None:
    address, _, _ = postgres.url().rpartition("/")
    finding = wrong(f"{address}/nowhere")[-1]

    assert (finding.check, finding.state) == ("connection", State.BAD)
    assert "create it" in (finding.todo or "")


def test_database_that_does_not_answer_is_not_seen() -> None:
    (finding,) = wrong("postgresql://me:hunter2@127.0.0.1:1/x")

    assert (finding.check, finding.state) == ("connection", State.UNKNOWN)
    assert "check its URL" in (finding.todo or "")


@pytest.mark.parametrize(("number", "state"), [(140_012, State.BAD), (150_004, State.GOOD)])
def test_version_is_15_or_newer(number: int, state: State) -> None:
    assert server.version(number).state is state


def test_encryption_without_a_checked_certificate_comes_with_advice() -> None:
    assert server.encryption("TLSv1.3", "verify-full").todo is None
    assert "DatabaseCa" in (server.encryption("TLSv1.3", "require").todo or "")


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (NOW_HERE + timedelta(seconds=3), State.GOOD),  # while the answer was on its way
        (NOW_HERE - timedelta(seconds=4), State.GOOD),
        (NOW_HERE - timedelta(seconds=6), State.BAD),
        (NOW_HERE + timedelta(seconds=14), State.BAD),
    ],
)
def test_clocks_may_differ_by_seconds_only(told: datetime, state: State) -> None:
    assert server.clock(NOW_HERE, told, NOW_HERE + timedelta(seconds=8)).state is state
