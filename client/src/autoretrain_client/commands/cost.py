"""`autoretrain cost`: what the stack would cost on AWS, and what would have to be raised for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

import click

from autoretrain_client.commands.printing import ABSENT, say, table
from autoretrain_client.errors import Invalid

if TYPE_CHECKING:
    from autoretrain_client.cost.bill import Line
    from autoretrain_client.cost.limits import Limit
    from autoretrain_client.cost.prices import Prices
    from autoretrain_client.cost.workload import Workload

_MEMORIES = {
    512: (1024, 2048, 4096),
    1024: (2048, 4096, 8192),
    2048: (4096, 8192, 16384),
    4096: (8192, 16384),
}
"""What the stack lets each TrainerCpu have, in MiB."""
_USD = f"{'usd':>12}"
_AT_LEAST_ONE = click.IntRange(min=1)
_POSITIVE = click.FloatRange(min=0, min_open=True)
_NOT_NEGATIVE = click.FloatRange(min=0)


@click.command()
@click.option("--strategies", type=_AT_LEAST_ONE, required=True, help="How many are active.")
@click.option(
    "--trainings-per-day",
    type=_NOT_NEGATIVE,
    default=1.0,
    show_default=True,
    help="How often each of them is trained.",
)
@click.option(
    "--training-seconds",
    type=_POSITIVE,
    default=2.0,
    show_default=True,
    help="How long a training takes; `autoretrain runs` shows yours.",
)
@click.option(
    "--cpu",
    type=click.Choice([str(units) for units in _MEMORIES]),
    default="1024",
    show_default=True,
    help="TrainerCpu.",
)
@click.option(
    "--memory", type=_AT_LEAST_ONE, default=2048, show_default=True, help="TrainerMemory, in MiB."
)
@click.option("--spot", is_flag=True, help="Trainers run on Fargate Spot (UseSpot).")
@click.option("--arm64", is_flag=True, help="Everything runs on arm64 (Architecture).")
@click.option(
    "--max-concurrent-tasks",
    type=_AT_LEAST_ONE,
    default=4,
    show_default=True,
    help="MaxConcurrentTasks.",
)
@click.option(
    "--strategies-per-check",
    type=_AT_LEAST_ONE,
    default=1,
    show_default=True,
    help="StrategiesPerCheck.",
)
@click.option(
    "--checks-per-second",
    type=_NOT_NEGATIVE,
    default=20.0,
    show_default=True,
    help="ChecksPerSecond; 0 is as fast as it goes.",
)
@click.option(
    "--bots",
    type=click.IntRange(min=0),
    help="How many bots ask for their active model; without it, one for each strategy.",
)
@click.option(
    "--poll-seconds",
    type=_POSITIVE,
    default=60.0,
    show_default=True,
    help="How long a bot waits before it asks again.",
)
@click.option(
    "--subscribers",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="How many people get notifications by e-mail.",
)
@click.option(
    "--region-prices",
    type=click.File(encoding="utf-8"),
    help="A JSON file with prices of another region, or newer ones; --json shows their names.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else.")
def cost(
    cpu: str,
    memory: int,
    bots: int | None,
    region_prices: TextIO | None,
    as_json: bool,
    **rest: Any,
) -> None:
    """Calculate what a month on AWS costs, line by line.

    It asks nobody: not AWS, not the API. Free tiers, discounts and taxes are not counted, nor is
    the database. Every line says how it comes about. Below the bill stands what the work needs of
    whatever is limited, and what to raise.

    \b
    Examples:
      autoretrain cost --strategies 10
      autoretrain cost --strategies 1000 --trainings-per-day 0.5 --spot
      autoretrain cost --strategies 10 --json | jq .prices > frankfurt.json
      autoretrain cost --strategies 10 --region-prices frankfurt.json
    """
    from autoretrain_client.cost.bill import bill
    from autoretrain_client.cost.limits import limits
    from autoretrain_client.cost.prices import Prices, with_changes
    from autoretrain_client.cost.workload import Workload

    _refuse_other_memory(int(cpu), memory)
    work = Workload(
        cpu=int(cpu), memory=memory, bots=rest["strategies"] if bots is None else bots, **rest
    )
    prices = Prices() if region_prices is None else with_changes(Prices(), region_prices.read())
    lines, needs = bill(work, prices), limits(work)
    if as_json:
        click.echo(json.dumps(_json(work, prices, lines, needs), indent=2))
    else:
        say(_words(prices, lines, needs))


def _refuse_other_memory(cpu: int, memory: int) -> None:
    if memory not in _MEMORIES[cpu]:
        allowed = ", ".join(map(str, _MEMORIES[cpu]))
        raise Invalid(f"--memory: with --cpu {cpu} it is one of {allowed}")


def _json(
    work: Workload, prices: Prices, lines: Sequence[Line], needs: Sequence[Limit]
) -> dict[str, Any]:
    return {
        "workload": asdict(work),
        "prices": asdict(prices),
        "lines": [asdict(line) | {"usd": line.usd} for line in lines],
        "usd_per_month": _total(lines),
        "limits": [asdict(need) | {"is_enough": need.is_enough} for need in needs],
    }


def _words(prices: Prices, lines: Sequence[Line], needs: Sequence[Limit]) -> Iterator[str]:
    yield from table([*map(_row, lines), _total_row(lines)])
    yield ""
    yield (
        f"US dollars a month of 730 hours in {prices.region}, at the list prices of {prices.as_of};"
    )
    yield "free tier, discounts, taxes and the database are not counted."
    yield ""
    yield from table([_need_row(need) for need in needs])


def _row(line: Line) -> dict[str, str]:
    return {
        "what": line.name,
        _USD: f"{line.usd:>12,.2f}",
        "how much": f"{_figure(line.quantity):>10} {line.unit}",
        "at": f"{line.price:.10f}".rstrip("0").rstrip("."),
        "because": line.because,
    }


def _total_row(lines: Sequence[Line]) -> dict[str, str]:
    total = f"{_total(lines):>12,.2f}"
    return {"what": "Together", _USD: total, "how much": "", "at": "", "because": ""}


def _total(lines: Iterable[Line]) -> float:
    return sum(line.usd for line in lines)


def _need_row(need: Limit) -> dict[str, str]:
    return {
        "limit": need.name,
        "needs": f"{_figure(need.needs)} {need.unit}",
        "has": ABSENT if need.has is None else f"{need.has:,.0f}",
        "what to do": need.advice if need.has is None or not need.is_enough else "enough",
    }


def _figure(value: float) -> str:
    """Three digits that count, or all before the point."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1g}" if value >= 0.0001 else "< 0.0001"
