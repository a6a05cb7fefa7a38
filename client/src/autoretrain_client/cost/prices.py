"""Owns what AWS asks for: list prices of one region, dated, with the page that each is from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from autoretrain_client.commands.naming import closest
from autoretrain_client.errors import Invalid

SOURCES = {
    "fargate": "https://aws.amazon.com/fargate/pricing/",
    "ipv4": "https://aws.amazon.com/vpc/pricing/",
    "lambda": "https://aws.amazon.com/lambda/pricing/",
    "http_api": "https://aws.amazon.com/api-gateway/pricing/",
    "s3": "https://aws.amazon.com/s3/pricing/",
    "ecr": "https://aws.amazon.com/ecr/pricing/",
    "transfer": "https://aws.amazon.com/ec2/pricing/on-demand/",
    "logs": "https://aws.amazon.com/cloudwatch/pricing/",
    "cloudwatch": "https://aws.amazon.com/cloudwatch/pricing/",
    "secrets": "https://aws.amazon.com/secrets-manager/pricing/",
    "events": "https://aws.amazon.com/eventbridge/pricing/",
    "sns": "https://aws.amazon.com/sns/pricing/",
}
"""The page of every price whose name begins so."""

_TEXTS = ("region", "as_of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars per unit, without free tier, discounts and taxes; `month` is a month of it."""

    region: str = "us-east-1"
    as_of: str = "June 2026"

    fargate_core_hour: float = 0.04048
    fargate_gb_hour: float = 0.004445
    fargate_arm64_core_hour: float = 0.03238
    fargate_arm64_gb_hour: float = 0.00356
    fargate_spot_share: float = 0.32
    """Of the price on demand; it moves, and this is what one paid."""

    ipv4_hour: float = 0.005

    lambda_million_requests: float = 0.20
    lambda_gb_second: float = 0.0000166667
    lambda_arm64_gb_second: float = 0.0000133334

    http_api_million_requests: float = 1.00

    s3_thousand_puts: float = 0.005
    s3_thousand_gets: float = 0.0004
    s3_gb_month: float = 0.023
    ecr_gb_month: float = 0.10
    transfer_out_gb: float = 0.09

    logs_gb: float = 0.50
    logs_gb_month: float = 0.03
    cloudwatch_metric_month: float = 0.30
    cloudwatch_alarm_month: float = 0.10
    cloudwatch_dashboard_month: float = 3.00

    secrets_month: float = 0.40
    secrets_ten_thousand_calls: float = 0.05
    events_million: float = 1.00
    sns_million_publishes: float = 0.50
    sns_hundred_thousand_emails: float = 2.00


def with_changes(prices: Prices, text: str) -> Prices:
    """The prices with those of a JSON object, `{"region": …, "fargate_core_hour": …}`, instead.

    Raises Invalid for what is no such object, naming the price.
    """
    try:
        given: Any = json.loads(text)
    except json.JSONDecodeError as exc:
        raise Invalid(f"the prices are not JSON: {exc}") from exc
    if not isinstance(given, dict):
        raise Invalid("the prices are not a JSON object, name to price")
    changes: dict[str, Any] = dict(_checked(given))
    return replace(prices, **changes)


def _checked(given: Mapping[str, Any]) -> Iterator[tuple[str, str | float]]:
    known = [field.name for field in fields(Prices)]
    for name, value in given.items():
        if name not in known:
            raise Invalid(f"{name} is not a price{closest(name, known)}")
        if name in _TEXTS and isinstance(value, str):
            yield name, value
        elif name not in _TEXTS and _is_price(value):
            yield name, float(value)
        else:
            raise Invalid(f"{name} must be {'a text' if name in _TEXTS else 'a number, 0 or more'}")


def _is_price(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0  # type: ignore[arg-type,operator]
