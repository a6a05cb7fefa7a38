"""The figures here are worked out by hand, from a month of 730 hours."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from autoretrain_client.cost.bill import Line, bill
from autoretrain_client.cost.limits import Limit, limits, trainers_needed
from autoretrain_client.cost.prices import SOURCES, Prices, with_changes
from autoretrain_client.cost.workload import Workload
from autoretrain_client.errors import Invalid


def work(**changes: Any) -> Workload:
    """24 strategies, each trained once a day by a trainer of one core and 2 GB, with no bots."""
    given: dict[str, Any] = {"strategies": 24, "bots": 0} | changes
    return Workload(**given)


def lines(**changes: Any) -> dict[str, Line]:
    return {line.name: line for line in bill(work(**changes), Prices())}


def needs(**changes: Any) -> dict[str, Limit]:
    return {limit.name: limit for limit in limits(work(**changes))}


def test_one_training_an_hour_pays_for_its_start_and_its_work() -> None:
    # 730 tasks * (40 s + 20 s) = 43,800 s = 12.1667 h
    made = lines(training_seconds=20)

    assert made["Fargate cores"].quantity == pytest.approx(12.16667)
    assert made["Fargate cores"].usd == pytest.approx(0.492507, abs=1e-6)  # * 0.04048
    assert made["Fargate memory"].usd == pytest.approx(0.108162, abs=1e-6)  # * 2 * 0.004445
    assert made["Public IPv4"].usd == pytest.approx(0.060833, abs=1e-6)  # * 0.005


def test_a_task_is_counted_a_minute_at_least() -> None:
    # 730 * (40 s + 5 s) would be 9.125 h; 730 * 60 s are 12.1667 h
    made = lines(training_seconds=5)["Fargate cores"]

    assert made.quantity == pytest.approx(12.16667)
    assert made.because == "(730 tasks × 60 s, the least counted) × 1"


def test_one_task_serves_several_runs() -> None:
    # 10 runs an hour, 4 trainers: 2,920 starts * 40 s + 7,300 runs * 30 s = 335,800 s
    assert work(strategies=240, training_seconds=30).task_seconds == pytest.approx(335_800)


def test_larger_trainers_on_spot_and_arm_pay_their_share() -> None:
    # 12.1667 h * 2 cores * 0.03238 * 0.32, and * 8 GB * 0.00356 * 0.32
    made = lines(training_seconds=20, cpu=2048, memory=8192, spot=True, arm64=True)

    assert made["Fargate cores"].usd == pytest.approx(0.252132, abs=1e-6)
    assert made["Fargate memory"].usd == pytest.approx(0.110882, abs=1e-6)


def test_checks_pay_for_events_and_for_the_strategies_in_them() -> None:
    # 1,000 strategies, 10 an event: 73,000 events * (0.03 + 10 * 0.006) s * 0.25 GB = 1,642.5 GB-s
    made = lines(strategies=1_000, strategies_per_check=10)["Lambda condition_check"]

    assert made.quantity == pytest.approx(1_642.5)
    assert made.usd == pytest.approx(0.027375, abs=1e-6)


def test_the_pace_is_paid_for_by_the_dispatcher() -> None:
    # 100 events at 20 a second are 5 s, and 2 s for the rest: 730 * 7 * 0.25 = 1,277.5 GB-s
    assert lines(strategies=100)["Lambda dispatcher"].quantity == pytest.approx(1_277.5)


def test_without_a_pace_each_check_takes_as_long_as_it_takes_to_send() -> None:
    # 100 events * 0.02 s, and 2 s for the rest: 730 * 4 * 0.25 = 730 GB-s
    made = lines(strategies=100, checks_per_second=0)["Lambda dispatcher"]

    assert made.quantity == pytest.approx(730)


def test_bots_pay_for_every_poll() -> None:
    # 100 bots * 2,628,000 s / 30 s = 8,760,000 requests; the authorizer is asked once a minute
    made = lines(bots=100, poll_seconds=30)

    assert made["API Gateway"].usd == pytest.approx(8.76)
    assert made["Lambda api"].quantity == pytest.approx(8_760_000 * 0.03 * 0.5)
    assert made["Lambda authorizer"].quantity == pytest.approx(4_380_000 * 0.02 * 0.5)


def test_requests_are_those_of_all_functions() -> None:
    # 730 ticks + 24 * 730 checks + 730 stopped tasks + 43,800 polls and as many authorizations
    assert lines(bots=1)["Lambda requests"].quantity == pytest.approx(106_580 / 1e6)


def test_models_pay_for_puts_gets_and_a_year_of_storage() -> None:
    # 730 trainings: 2,920 puts, 2,920 + 730 * 2 gets by one bot a strategy, 730 * 0.5 MB * 12
    made = lines(bots=24)

    assert made["S3 puts"].usd == pytest.approx(0.0146)
    assert made["S3 gets"].quantity == pytest.approx(4.38)
    assert made["S3 storage"].usd == pytest.approx(0.10074)


def test_notifications_pay_for_event_message_and_every_subscriber() -> None:
    made = lines(subscribers=3)

    assert made["EventBridge"].usd == pytest.approx(0.00073)
    assert made["SNS"].usd == pytest.approx(0.000365)
    assert made["SNS e-mails"].usd == pytest.approx(0.0438)  # 2,190 * 2 / 100,000


def test_logs_are_counted_by_what_writes_them() -> None:
    # 730 * 3 kB + 17,520 * (1.5 kB + 0.8 kB) + 730 * 8 kB = 48,326 kB
    made = lines()

    assert made["Logs written"].quantity == pytest.approx(0.048326)
    assert made["Logs written"].usd == pytest.approx(0.024163)


def test_what_watches_costs_the_same_for_any_number_of_strategies() -> None:
    few, many = lines(), lines(strategies=100_000)

    assert all(few[name] == many[name] for name in ("Metrics", "Alarms", "Dashboard", "Secret"))


@pytest.mark.parametrize(
    ("limit", "enough", "too_much"),
    [
        # 2 s and 11,560 events at 20 a second are 580 s
        ("Handing out a tick", {"strategies": 11_560}, {"strategies": 11_561}),
        # 80 % of an hour less a start is 2,840 s, 1,420 runs of 2 s for each of 4 trainers
        ("Trainers at once", {"strategies": 136_320}, {"strategies": 136_321}),
        ("Requests of bots", {"bots": 3_000}, {"bots": 3_001}),
        # every event takes 0.33 s: 27 a second are 8.91 at once, and one is the dispatcher
        (
            "Functions at once",
            {"strategies": 10_000, "strategies_per_check": 50, "checks_per_second": 27},
            {"strategies": 10_000, "strategies_per_check": 50, "checks_per_second": 28},
        ),
        (
            "Fargate cores at once",
            {"max_concurrent_tasks": 6, "strategies": 144},
            {"cpu": 4096, "strategies": 48},
        ),
    ],
)
def test_a_limit_says_when_to_raise_it(
    limit: str, enough: dict[str, Any], too_much: dict[str, Any]
) -> None:
    assert needs(**enough)[limit].is_enough
    assert not needs(**too_much)[limit].is_enough


def test_one_trainer_is_needed_even_for_nothing() -> None:
    assert trainers_needed(work(trainings_per_day=0)) == 1


def test_every_price_names_the_page_that_it_is_from() -> None:
    priced = [field.name for field in fields(Prices) if field.name not in ("region", "as_of")]

    assert all(any(name.startswith(source) for source in SOURCES) for name in priced)
    assert all(any(name.startswith(source) for name in priced) for source in SOURCES)


def test_prices_of_another_region_replace_those_they_name() -> None:
    changed = with_changes(Prices(), '{"region": "eu-central-1", "fargate_core_hour": 0.04656}')

    assert (changed.region, changed.fargate_core_hour) == ("eu-central-1", 0.04656)
    assert changed.fargate_gb_hour == Prices().fargate_gb_hour


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        (
            '{"fargate_core_hours": 1}',
            r"fargate_core_hours is not a price \(did you mean fargate_core_hour or ",
        ),
        ('{"ipv4_hour": -1}', "ipv4_hour must be a number, 0 or more"),
        ('{"ipv4_hour": NaN}', "ipv4_hour must be a number, 0 or more"),
        ('{"ipv4_hour": true}', "ipv4_hour must be a number, 0 or more"),
        ('{"region": 1}', "region must be a text"),
    ],
)
def test_prices_that_are_none_are_refused(text: str, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        with_changes(Prices(), text)
