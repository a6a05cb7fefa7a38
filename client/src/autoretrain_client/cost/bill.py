"""The month's bill: one line for everything that AWS counts, with how it comes about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autoretrain_client.cost import workload as assumed
from autoretrain_client.cost.prices import Prices
from autoretrain_client.cost.workload import HOURS, Workload

ALARM_METRICS = 11
"""Six alarms; the one for throttles looks at six functions, and each is paid for."""
DASHBOARDS = 1
METRIC_SERIES = 25
"""Names of metrics, times the values of their dimension: none is a strategy's."""

SMALL_GB, LARGE_GB = 0.25, 0.5
"""Memory of the functions: what runs by itself, and what somebody waits for."""


@dataclass(frozen=True, slots=True)
class Line:
    """`quantity` in `unit`s at `price` US dollars each."""

    name: str
    quantity: float
    unit: str
    price: float
    because: str

    @property
    def usd(self) -> float:
        return self.quantity * self.price


def bill(work: Workload, prices: Prices) -> list[Line]:
    """What the month costs, without free tier."""
    return [
        *_fargate(work, prices),
        *_functions(work, prices),
        *_api(work, prices),
        *_models(work, prices),
        *_watching(work, prices),
        *_telling(work, prices),
    ]


def _fargate(work: Workload, prices: Prices) -> Iterator[Line]:
    hours = work.task_seconds / 3600
    cores, gigabytes = work.cpu / 1024, work.memory / 1024
    core_hour = prices.fargate_arm64_core_hour if work.arm64 else prices.fargate_core_hour
    gb_hour = prices.fargate_arm64_gb_hour if work.arm64 else prices.fargate_gb_hour
    share = prices.fargate_spot_share if work.spot else 1.0
    took = (
        f"{work.tasks:,.0f} tasks × {assumed.TASK_START_SECONDS:g} s to start"
        f" + {work.runs:,.0f} trainings × {work.training_seconds:g} s"
    )
    if work.task_seconds == work.tasks * assumed.LEAST_TASK_SECONDS:
        took = f"{work.tasks:,.0f} tasks × {assumed.LEAST_TASK_SECONDS:g} s, the least counted"
    yield Line("Fargate cores", hours * cores, "h", core_hour * share, f"({took}) × {cores:g}")
    yield Line("Fargate memory", hours * gigabytes, "GB-h", gb_hour * share, f"× {gigabytes:g} GB")
    yield Line("Public IPv4", hours, "h", prices.ipv4_hour, "one for each task, in the own network")


def _functions(work: Workload, prices: Prices) -> Iterator[Line]:
    calls = {
        "Lambda dispatcher": (HOURS, work.tick_seconds, SMALL_GB),
        "Lambda condition_check": (work.events, work.event_seconds, SMALL_GB),
        "Lambda task_stopped": (work.tasks, assumed.STOPPED_SECONDS, SMALL_GB),
        "Lambda api": (work.polls, assumed.POLL_SECONDS, LARGE_GB),
        "Lambda authorizer": (work.authorizations, assumed.AUTHORIZER_SECONDS, LARGE_GB),
    }
    second = prices.lambda_arm64_gb_second if work.arm64 else prices.lambda_gb_second
    for name, (count, seconds, gigabytes) in calls.items():
        because = f"{count:,.0f} × {seconds:.4g} s × {gigabytes:g} GB"
        yield Line(name, count * seconds * gigabytes, "GB-s", second, because)
    requests = sum(count for count, _, _ in calls.values())
    yield _millions("Lambda requests", requests, prices.lambda_million_requests, "all of the above")


def _api(work: Workload, prices: Prices) -> Iterator[Line]:
    because = f"{work.bots:,} bots, each every {work.poll_seconds:g} s"
    yield _millions("API Gateway", work.polls, prices.http_api_million_requests, because)
    loaded = work.runs * _bots_per_strategy(work)
    sent = (work.polls * assumed.ANSWER_BYTES + loaded * assumed.MODEL_BYTES) / 1e9
    because = f"{assumed.ANSWER_BYTES / 1e3:g} kB a poll, {assumed.MODEL_BYTES / 1e3:g} kB a model"
    yield Line("Transfer to bots", sent, "GB", prices.transfer_out_gb, because)


def _models(work: Workload, prices: Prices) -> Iterator[Line]:
    puts = work.runs * assumed.STORED_FILES_PER_RUN
    gets = work.runs * (assumed.READ_FILES_PER_RUN + 2 * _bots_per_strategy(work))
    stored = work.runs * assumed.STORED_BYTES_PER_RUN * assumed.MONTHS_KEPT / 1e9
    each = f"{assumed.STORED_FILES_PER_RUN} a training"
    yield Line("S3 puts", puts / 1e3, "thousand", prices.s3_thousand_puts, each)
    each = f"{assumed.READ_FILES_PER_RUN} a training, 2 a bot and model"
    yield Line("S3 gets", gets / 1e3, "thousand", prices.s3_thousand_gets, each)
    because = (
        f"{assumed.STORED_BYTES_PER_RUN / 1e6:g} MB a training, after {assumed.MONTHS_KEPT} months"
    )
    yield Line("S3 storage", stored, "GB", prices.s3_gb_month, because)
    yield Line("ECR storage", assumed.IMAGE_GB, "GB", prices.ecr_gb_month, "one trainer image")


def _watching(work: Workload, prices: Prices) -> Iterator[Line]:
    written = work.log_gb
    yield Line("Logs written", written, "GB", prices.logs_gb, "bytes a tick, check, run, request")
    yield Line("Logs kept", written, "GB", prices.logs_gb_month, "for 30 days")
    metric, alarm = prices.cloudwatch_metric_month, prices.cloudwatch_alarm_month
    yield Line("Metrics", METRIC_SERIES, "metrics", metric, "however many strategies")
    yield Line("Alarms", ALARM_METRICS, "metrics", alarm, "what the alarms look at")
    yield Line("Dashboard", DASHBOARDS, "dashboard", prices.cloudwatch_dashboard_month, "")


def _telling(work: Workload, prices: Prices) -> Iterator[Line]:
    # A process asks for the secret whenever it opens a connection.
    opened = work.tasks + HOURS * (2 + work.checks_at_once)
    yield Line("Secret", 1, "secret", prices.secrets_month, "the database's")
    price = prices.secrets_ten_thousand_calls
    because = "one for each new connection"
    yield Line("Secret read", opened / 1e4, "10 thousand", price, because)
    yield _millions("EventBridge", work.runs, prices.events_million, "one event a training")
    yield _millions("SNS", work.runs, prices.sns_million_publishes, "one message a training")
    emails = work.runs * work.subscribers
    price = prices.sns_hundred_thousand_emails
    because = f"to {work.subscribers} subscriber{'' if work.subscribers == 1 else 's'}"
    yield Line("SNS e-mails", emails / 1e5, "100 thousand", price, because)


def _bots_per_strategy(work: Workload) -> float:
    return work.bots / work.strategies


def _millions(name: str, count: float, price: float, because: str) -> Line:
    return Line(name, count / 1e6, "million", price, because)
