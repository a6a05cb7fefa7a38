from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.client.command_line import Api, CommandLine


def test_cost_prints_every_line_with_how_it_comes_about(autoretrain: CommandLine) -> None:
    done = autoretrain("cost", "--strategies", "24", "--training-seconds", "30", "--bots", "0")

    assert done.code == 0
    (line,) = (line for line in done.out.splitlines() if line.startswith("Fargate cores  "))
    told = "(730 tasks × 40 s to start + 730 trainings × 30 s) × 1"
    assert line.split(maxsplit=2)[2].split() == ["0.57", "14.2", "h", "0.04048", *told.split()]
    assert "list prices of June 2026" in done.out
    assert "free tier, discounts, taxes and the database are not counted" in done.out


def test_cost_asks_nobody(autoretrain: CommandLine, api: Api) -> None:
    autoretrain("cost", "--strategies", "10")

    assert api.connected == []


def test_cost_adds_up(autoretrain: CommandLine) -> None:
    told = autoretrain("cost", "--strategies", "10", "--json").json

    assert told["usd_per_month"] == pytest.approx(sum(line["usd"] for line in told["lines"]))
    assert told["workload"]["bots"] == 10


def test_cost_takes_prices_of_another_region(autoretrain: CommandLine, tmp_path: Path) -> None:
    dear = tmp_path / "dear.json"
    dear.write_text('{"region": "moon-1", "cloudwatch_dashboard_month": 300}')
    here, there = (
        autoretrain("cost", "--strategies", "10", "--json", *more).json
        for more in ([], ["--region-prices", str(dear)])
    )

    assert there["usd_per_month"] - here["usd_per_month"] == pytest.approx(297)
    assert there["prices"]["region"] == "moon-1"


def test_prices_that_cost_prints_can_be_given_back(
    autoretrain: CommandLine, tmp_path: Path
) -> None:
    first = autoretrain("cost", "--strategies", "10", "--json")
    given = tmp_path / "prices.json"
    given.write_text(json.dumps(first.json["prices"]))

    again = autoretrain("cost", "--strategies", "10", "--region-prices", str(given), "--json")
    assert again.out == first.out


def test_cost_says_what_to_raise(autoretrain: CommandLine) -> None:
    done = autoretrain("cost", "--strategies", "100000")

    (line,) = (line for line in done.out.splitlines() if line.startswith("Handing out a tick"))
    assert line.endswith("raise StrategiesPerCheck, or ChecksPerSecond")


def test_cost_refuses_memory_that_fargate_does_not_have(autoretrain: CommandLine) -> None:
    done = autoretrain("cost", "--strategies", "10", "--cpu", "512", "--memory", "8192")

    assert done.code == 65
    assert "with --cpu 512 it is one of 1024, 2048, 4096" in done.err
